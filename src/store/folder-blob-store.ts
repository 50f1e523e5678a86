/** Blobs as files: `<folder>/ab/cdef…` holds the bytes whose hash is `abcdef…`. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ByteRange } from '../buckets/bucket.ts'
import {
  createFolder,
  removeStaleTemporaries,
  syncFolder,
  toWriteError,
  writeFileAtomic,
} from '../core/atomic-write.ts'
import { sha256 as hash, sha256OfFile } from '../core/hashes.ts'
import { readFileAs, verified } from '../core/verified-bytes.ts'
import { damagedBlob, missingBlob } from './blob-errors.ts'
import type { BlobEntry, BlobStore } from './blob-store.ts'

const PREFIX = /^[0-9a-f]{2}$/
const REST = /^[0-9a-f]{62}$/

/** Opens, and where needed creates, a folder of blobs. Throws `disk_full` or `write_failed`. */
export async function openFolderBlobStore(folder: string): Promise<BlobStore> {
  // One folder for all that is half written, so that it can be swept at every start.
  const incoming = join(folder, 'incoming')
  await createFolder(incoming)
  await removeStaleTemporaries(incoming)
  const pathOf = (sha256: string) => blobPath(folder, sha256)
  const folderOf = (sha256: string) => dirname(pathOf(sha256))

  async function write(sha256: string, bytes: Uint8Array | AsyncIterable<Uint8Array>) {
    const path = pathOf(sha256)
    if ((await holds(path, sha256)) && (await keep(path, folderOf(sha256)))) return
    await createFolder(folderOf(sha256))
    await writeFileAtomic(path, bytes, { temporaryFolder: incoming })
  }

  return {
    async put(bytes) {
      const sha256 = hash(bytes)
      await write(sha256, bytes)
      return sha256
    },
    async putFile(from, options = {}) {
      const sha256 = options.sha256 ?? (await sha256OfFile(from))
      await write(sha256, readFileAs(from, sha256))
      return sha256
    },
    async get(sha256) {
      const path = pathOf(sha256)
      const bytes = await readFile(path).catch((cause) => {
        throw missing(sha256, path, cause)
      })
      if (hash(bytes) !== sha256) throw damagedBlob(sha256, path)
      return bytes
    },
    openRead(sha256, { range } = {}) {
      const path = pathOf(sha256)
      const bytes = readPieces(sha256, path, range)
      return range === undefined ? verified(bytes, sha256, () => damagedBlob(sha256, path)) : bytes
    },
    async has(sha256) {
      return (await sizeOf(pathOf(sha256))) !== undefined
    },
    list: () => listEntries(folder),
    async delete(sha256) {
      await rm(pathOf(sha256), { force: true })
    },
  }
}

/** Where the blob of a hash lies in a folder of blobs, whether or not it is there. */
export const blobPath = (folder: string, sha256: string): string =>
  join(folder, sha256.slice(0, 2), sha256.slice(2))

/** Whether the bytes are there and intact. */
async function holds(path: string, sha256: string): Promise<boolean> {
  const received = await sha256OfFile(path).catch(() => undefined)
  return received === sha256
}

async function* readPieces(
  sha256: string,
  path: string,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { ...range })
  } catch (error) {
    throw missing(sha256, path, error as NodeJS.ErrnoException)
  }
}

/**
 * Says that an existing blob was put now; the process that wrote it may not have brought its name to the disk yet. Gives
 * whether it still exists.
 */
async function keep(path: string, folder: string): Promise<boolean> {
  try {
    const now = new Date()
    await utimes(path, now, now)
    await syncFolder(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw toWriteError(error, path)
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
}

async function* listEntries(folder: string): AsyncGenerator<BlobEntry> {
  for (const prefix of (await readdir(folder)).filter((name) => PREFIX.test(name))) {
    for (const rest of await readdir(join(folder, prefix))) {
      if (!REST.test(rest)) continue
      // Another process may delete it at the same time.
      const found = await stat(join(folder, prefix, rest)).catch(() => undefined)
      if (found === undefined) continue
      yield { sha256: prefix + rest, sizeBytes: found.size, putAtMs: found.mtimeMs }
    }
  }
}

function missing(sha256: string, path: string, cause: NodeJS.ErrnoException) {
  const found = cause.code === 'ENOENT' ? 'nothing' : cause.message
  return missingBlob(sha256, path, found, cause)
}
