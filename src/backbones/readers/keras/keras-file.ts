/** The files in which Keras keeps models and weights: HDF5, or a zip with HDF5 in it. */
import { crc32 } from 'node:zlib'
import { openZip } from '../../../archives/open-zip.ts'
import { VergerError } from '../../../core/errors.ts'
import { type ByteSource, sliceSource, withFile } from '../byte-source.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Hdf5File, openHdf5 } from '../hdf5.ts'

export interface KerasFile {
  /** The description of the model as JSON; undefined in a file of weights alone. */
  readonly config?: string
  /** Where the weights are. */
  readonly weights: Hdf5File
}

/** Members of a `.keras` zip (keras/src/saving/saving_lib.py). */
const CONFIG = 'config.json'
const WEIGHTS = 'model.weights.h5'

const ZIP_SIGNATURE = 'PK\x03\x04'

/** A description of a model with a thousand layers has about a megabyte. */
const MAX_CONFIG_BYTES = 64 * 1024 * 1024

/**
 * Opens a `.h5` or `.keras` file for `use` and closes it afterwards; which of the two it is, its first bytes tell.
 * Throws `model_invalid` or `model_unsupported`.
 */
export function withKerasFile<Result>(
  path: string,
  use: (file: KerasFile) => Result | Promise<Result>,
): Promise<Result> {
  return withFile(path, async (source) => {
    const start = Buffer.from(source.read(0, Math.min(ZIP_SIGNATURE.length, source.sizeBytes)))
    const isZip = start.toString('latin1') === ZIP_SIGNATURE
    const entries = isZip ? await findEntries(path, source) : undefined
    const weights = await openHdf5(entries?.weights ?? source)
    try {
      const config = entries === undefined ? weights.text('/', 'model_config') : entries.config
      return await use({ ...(config === undefined ? {} : { config }), weights })
    } finally {
      weights.close()
    }
  })
}

/** Keras stores both members as they are, so that the weights are read from inside the zip. */
async function findEntries(
  path: string,
  source: ByteSource,
): Promise<{ config: string; weights: ByteSource }> {
  const found = new Map<string, ByteSource>()
  try {
    const zip = await openZip(path)
    try {
      for await (const entry of zip.eachEntry()) {
        const { fileNameRaw, uncompressedSize } = entry
        const fileName = fileNameRaw.toString('utf8')
        if (fileName !== CONFIG && fileName !== WEIGHTS) continue
        if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
          throw unsupportedModel(
            `Expected ${fileName} to be stored in ${path} as Keras does, received it compressed or encrypted`,
          )
        }
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
        const content = sliceSource(source, fileDataStart, uncompressedSize)
        requireChecksum(content, entry.crc32, `${fileName} in ${path}`)
        found.set(fileName, content)
      }
    } finally {
      zip.close()
    }
  } catch (cause) {
    if (cause instanceof VergerError) throw cause
    throw invalidModel(
      `Expected a .keras zip at ${path}, received: ${(cause as Error).message}`,
      cause,
    )
  }
  const [config, weights] = [found.get(CONFIG), found.get(WEIGHTS)]
  if (config === undefined || weights === undefined) {
    throw invalidModel(
      `Expected ${CONFIG} and ${WEIGHTS} in the .keras zip ${path}, received one without ${config === undefined ? CONFIG : WEIGHTS}`,
    )
  }
  if (config.sizeBytes > MAX_CONFIG_BYTES) {
    throw invalidModel(
      `Expected a ${CONFIG} of at most ${MAX_CONFIG_BYTES} bytes in ${path}, received ${config.sizeBytes}`,
    )
  }
  const text = Buffer.from(config.read(0, config.sizeBytes)).toString('utf8')
  return { config: text, weights }
}

/** Bytes that are read at once to compute a checksum. */
const BLOCK_BYTES = 1024 * 1024

function requireChecksum(content: ByteSource, expected: number, what: string): void {
  let checksum = 0
  for (let at = 0; at < content.sizeBytes; at += BLOCK_BYTES) {
    checksum = crc32(content.read(at, Math.min(BLOCK_BYTES, content.sizeBytes - at)), checksum)
  }
  if (checksum === expected) return
  throw invalidModel(
    `Expected the checksum ${expected.toString(16)} of ${what}, received ${checksum.toString(16)}`,
  )
}
