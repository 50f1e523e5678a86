/** What a foreign model is, by its bytes: one file, or a folder with all files below it. */
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { VergerError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hashes.ts'

/** A model has tens of files at most; a folder with more is another one. */
const MAX_FILES = 2000

export interface SourceFile {
  readonly path: string
  readonly sizeBytes: number
}

export interface Source {
  readonly files: readonly SourceFile[]
  readonly sizeBytes: number
}

/** Lists what lies at `path`. Throws `model_invalid` where nothing does. */
export async function measureSource(path: string): Promise<Source> {
  try {
    const stats = await stat(path)
    // A device or a pipe has no end.
    if (!stats.isDirectory() && !stats.isFile()) throw new Error('neither a file nor a folder')
    const files = stats.isDirectory() ? await listFiles(path) : [{ path, sizeBytes: stats.size }]
    return { files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
  } catch (error) {
    if (error instanceof VergerError) throw error
    throw new VergerError(
      'model_invalid',
      `Expected a model at ${path}, received ${(error as Error).message}`,
      { hint: 'Check the path and that you may read what lies there.', cause: error },
    )
  }
}

async function listFiles(folder: string): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  const folders = [folder]
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of await readdir(below, { withFileTypes: true })) {
      const path = join(below, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) files.push({ path, sizeBytes: (await stat(path)).size })
      if (files.length + folders.length > MAX_FILES) throw tooMany(folder)
    }
  }
  return files.sort((one, other) => (one.path < other.path ? -1 : 1))
}

const tooMany = (folder: string): VergerError =>
  new VergerError(
    'model_invalid',
    `Expected the folder of a model at ${folder}, received one with more than ${MAX_FILES} files`,
    { hint: 'Name the folder that holds the model alone.' },
  )

/** SHA-256 of a file; of a folder, that of the names and hashes of its files. */
export async function hashSource(path: string, { files }: Source): Promise<string> {
  const [only] = files
  if (files.length === 1 && only?.path === path) return sha256OfFile(path)
  const hash = createHash('sha256')
  for (const file of files) {
    const name = relative(path, file.path).split(sep).join('/')
    hash.update(`${await sha256OfFile(file.path)}  ${name}\n`)
  }
  return hash.digest('hex')
}
