/**
 * Reads a PyTorch state dict in the format that `torch.save` has written since version 1.6: a zip whose entries are
 * stored as they are, `<name>/data.pkl` with the dictionary and `<name>/data/<key>` with each storage
 * (`_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py).
 */
import { crc32 } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { openZip } from '../../archives/open-zip.ts'
import { VergerError } from '../../core/errors.ts'
import type { FloatTensor } from '../../tensor/tensor.ts'
import { type ByteSource, sourceOf } from './byte-source.ts'
import { readPickle } from './pickle.ts'
import { createTensorHandlers, damaged, gatherTensors } from './pytorch-pickle.ts'

/** An entry's place in the file. */
interface Place {
  readonly path: string
  /** Whether its bytes lie in the file as they are. */
  readonly stored: boolean
  readonly offset: number
  readonly length: number
  readonly crc32: number
}

/** Gives every float tensor of the dictionary by its PyTorch name. Throws `model_invalid` or `model_unsupported`. */
export async function readPyTorchZip(
  path: string,
  source: ByteSource,
): Promise<Map<string, FloatTensor>> {
  const places = await findEntries(path)
  const paths = [...places.keys()]
  const has = (pattern: RegExp): boolean => paths.some((entry) => pattern.test(entry))
  if (has(/^[^/]+\/(code\/|constants\.pkl$)/)) throw notStateDict('a TorchScript program')
  if (has(/^[^/]+\/models\//)) throw notStateDict('a program of torch.export')
  const pickle = paths.find((entry) => /^[^/]+\/data\.pkl$/.test(entry))
  if (pickle === undefined) throw notStateDict('a zip without data.pkl')
  const folder = pickle.slice(0, -'data.pkl'.length)

  const read = (entry: string): Uint8Array => {
    const place = places.get(entry) ?? damaged(`a zip without ${entry}`)
    if (!place.stored) damaged(`${entry} compressed or encrypted, where torch.save stores it`)
    const bytes = source.read(place.offset, place.length)
    if (crc32(bytes) !== place.crc32) damaged(`a wrong checksum of ${entry}`)
    return bytes
  }
  const order = places.has(`${folder}byteorder`)
    ? Buffer.from(read(`${folder}byteorder`)).toString('latin1')
    : 'little'
  if (order !== 'little' && order !== 'big') damaged(`the byte order '${order.slice(0, 16)}'`)

  const { value } = readPickle(sourceOf(read(pickle)), 0, createTensorHandlers())
  return gatherTensors(
    value,
    ({ key, elementBytes, count }) => {
      const bytes = read(`${folder}data/${key}`)
      if (bytes.length < count * elementBytes) damaged(`too few values in ${folder}data/${key}`)
      if (order === 'big') swapBytes(bytes, elementBytes)
      return bytes.subarray(0, count * elementBytes)
    },
    source.sizeBytes,
  )
}

async function findEntries(path: string): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  let zip: ZipFile | undefined
  try {
    zip = await openZip(path)
    for await (const entry of zip.eachEntry()) {
      const place = await findEntry(zip, entry)
      places.set(place.path, place)
    }
  } catch (error) {
    throw new VergerError(
      'model_invalid',
      `Expected a zip of PyTorch, received one that is damaged: ${(error as Error).message}`,
      { cause: error, hint: 'The file was cut short or changed: copy or download it again.' },
    )
  } finally {
    zip?.close()
  }
  return places
}

async function findEntry(zip: ZipFile, entry: Entry): Promise<Place> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
  return {
    path: entry.fileNameRaw.toString('utf8'),
    stored: entry.compressionMethod === 0 && !entry.isEncrypted(),
    offset: fileDataStart,
    length: entry.uncompressedSize,
    crc32: entry.crc32,
  }
}

function swapBytes(bytes: Uint8Array, elementBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length % elementBytes !== 0) damaged('half a number')
  if (elementBytes === 2) buffer.swap16()
  else if (elementBytes === 4) buffer.swap32()
  else if (elementBytes === 8) buffer.swap64()
}

const notStateDict = (received: string): VergerError =>
  new VergerError('model_unsupported', `Expected a state dict of PyTorch, received ${received}`, {
    hint: 'In Python, load the model and save its weights alone: torch.save(model.state_dict(), FILE); or export it with torch.onnx.export.',
  })
