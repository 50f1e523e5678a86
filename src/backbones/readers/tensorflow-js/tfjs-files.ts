/** Where a TensorFlow.js model lies: `model.json` beside its weights, in a folder or in a zip. */
import { lstat, open, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { safePath } from '../../../archives/archive-entry.ts'
import { readZipFiles } from '../../../archives/read-zip-files.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'

export interface TfjsFiles {
  /** For messages and for the network. */
  readonly name: string
  readonly model: string
  /** The bytes of a file beside the model; undefined where there is none. Throws `archive_unsafe` where its path leads away. */
  read(path: string): Promise<Uint8Array | undefined>
}

/** 268 million weights. */
const MAX_BYTES = 1024 * 1024 * 1024
const MAX_JSON_BYTES = 64 * 1024 * 1024
const MODEL = 'model.json'

/** `path` is a folder with a `model.json`, that file, or a zip of both. Throws `model_invalid` where there is none. */
export async function openTfjsFiles(path: string): Promise<TfjsFiles> {
  const found = await lstat(path).catch((cause: Error) => {
    throw invalidModel(
      `Expected a TensorFlow.js model at ${path}, received ${cause.message}`,
      cause,
    )
  })
  const files = found.isDirectory()
    ? folderOf(path, MODEL)
    : (await isZip(path))
      ? await zipOf(path)
      : folderOf(dirname(path), basename(path))
  const model = await files.read(files.main)
  if (model === undefined) {
    throw invalidModel(`Expected ${MODEL} in ${path}, received none`)
  }
  if (model.length > MAX_JSON_BYTES) {
    throw unsupportedModel(
      `Expected at most ${MAX_JSON_BYTES} bytes of ${MODEL}, received ${model.length}`,
    )
  }
  const name = basename(path).replace(/\.(zip|json)$/i, '')
  return { name, model: Buffer.from(model).toString('utf8'), read: files.read }
}

function folderOf(folder: string, main: string) {
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const file = join(folder, safePath(path))
    const entry = await lstat(file).catch(() => undefined)
    if (entry === undefined) return undefined
    if (!entry.isFile())
      throw unsupportedModel(`Expected a file at ${file}, received a folder or a link`)
    if (entry.size > MAX_BYTES) {
      throw unsupportedModel(
        `Expected at most ${MAX_BYTES} bytes at ${file}, received ${entry.size}`,
      )
    }
    return readFile(file)
  }
  return { main, read }
}

async function zipOf(file: string) {
  const files = await readZipFiles(file, (path) => /\.(json|bin)$/i.test(path), MAX_BYTES)
  const models = [...files.keys()].filter((path) => basename(path) === MODEL)
  const [main = MODEL, ...others] = models.sort((a, b) => a.length - b.length)
  if (others.length > 0) {
    throw unsupportedModel(`Expected one ${MODEL} in ${file}, received ${models.length}`)
  }
  const folder = main.slice(0, -MODEL.length)
  const read = async (path: string) => files.get(`${folder}${safePath(path)}`)
  return { main: MODEL, read }
}

async function isZip(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('latin1', 0, bytesRead) === 'PK\x03\x04'
  } finally {
    await file.close()
  }
}
