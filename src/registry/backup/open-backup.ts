/** Reads a backup, a folder or a tar, and believes nothing that its hashes do not confirm. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { readTar } from '../../archives/read-tar.ts'
import { VergerError } from '../../core/errors.ts'
import { sha256OfFile } from '../../core/hashes.ts'
import {
  type BackupManifest,
  blobFile,
  blobOf,
  invalidBackup,
  type Line,
  MANIFEST_FILE,
  parseManifest,
  REGISTRY_FILE,
} from './backup-form.ts'

export interface OpenBackup {
  readonly manifest: BackupManifest
  /** Blobs that it must hold, with their sizes. */
  readonly blobs: ReadonlyMap<string, number>
  /** The rows, each time anew. Throws `backup_invalid`. */
  readLines(): AsyncGenerator<Line>
}

/** A blob, verified, as a file. */
export interface BackupBlob {
  readonly sha256: string
  readonly path: string
  readonly sizeBytes: number
}

/** Called for each blob, whose file is gone when the call returns, with about how many bytes there are of all. */
export type OnBlob = (blob: BackupBlob, totalBytes: number) => Promise<void>

/**
 * Reads a whole backup once. Returns when every blob that it must hold was given to `onBlob` and the rows are intact.
 * Throws `backup_invalid`, `registry_newer`.
 *
 * @param scratch - folder for what lies in a tar
 */
export async function openBackup(
  path: string,
  scratch: string,
  onBlob: OnBlob,
): Promise<OpenBackup> {
  const found = await stat(path).catch((cause: unknown) => {
    throw invalidBackup(path, 'nothing', cause)
  })
  const opened = await (found.isDirectory()
    ? readFolder(path, onBlob)
    : readTarFile(path, scratch, onBlob))
  return opened
}

async function readFolder(path: string, onBlob: OnBlob): Promise<OpenBackup> {
  const bytes = await readFile(join(path, MANIFEST_FILE)).catch((cause: unknown) => {
    throw invalidBackup(path, `no ${MANIFEST_FILE}, with which it would end`, cause)
  })
  const manifest = parseManifest(bytes, path)
  const registry = join(path, REGISTRY_FILE)
  const hash = await sha256OfFile(registry).catch((cause: unknown) => {
    throw invalidBackup(path, `no ${REGISTRY_FILE}`, cause)
  })
  const opened = await toBackup(path, manifest, registry, hash)
  for (const [sha256, sizeBytes] of opened.blobs) {
    const file = join(path, blobFile(sha256))
    const received = await sha256OfFile(file).catch((cause: unknown) => {
      throw invalidBackup(path, `no ${blobFile(sha256)}`, cause)
    })
    if (received !== sha256) throw invalidBackup(path, `a changed ${blobFile(sha256)}`)
    await onBlob({ sha256, path: file, sizeBytes }, manifest.blobs.sizeBytes)
  }
  return opened
}

/** What comes last says whether all was there. */
async function readTarFile(path: string, scratch: string, onBlob: OnBlob): Promise<OpenBackup> {
  const seen = new Set<string>()
  const { size: totalBytes } = await stat(path)
  const registry = join(scratch, REGISTRY_FILE)
  let hash: string | undefined
  let manifest: BackupManifest | undefined
  try {
    for await (const entry of readTar(path, false)) {
      if (entry.kind !== 'file') continue
      const file = join(scratch, 'file')
      const target = entry.path === REGISTRY_FILE ? registry : file
      const received = await keep(await entry.open(), target)
      if (entry.path === REGISTRY_FILE) hash = received
      else if (entry.path === MANIFEST_FILE) manifest = parseManifest(await readFile(file), path)
      else {
        const sha256 = blobOf(entry.path)
        if (sha256 === undefined) throw invalidBackup(path, `a file ${entry.path}`)
        if (received !== sha256) throw invalidBackup(path, `a changed ${entry.path}`)
        await onBlob({ sha256, path: file, sizeBytes: entry.sizeBytes }, totalBytes)
        seen.add(sha256)
      }
    }
  } catch (error) {
    // An archive that is cut or damaged says so with an ordinary error.
    if (error instanceof VergerError) throw error
    throw invalidBackup(path, error instanceof Error ? error.message : String(error), error)
  }
  if (manifest === undefined || hash === undefined) {
    throw invalidBackup(path, `no ${MANIFEST_FILE}, with which it would end`)
  }
  const opened = await toBackup(path, manifest, registry, hash)
  for (const sha256 of opened.blobs.keys()) {
    if (!seen.has(sha256)) throw invalidBackup(path, `no ${blobFile(sha256)}`)
  }
  return opened
}

/** Writes bytes to a file and gives their hash. */
async function keep(bytes: AsyncIterable<Uint8Array>, path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(
    bytes,
    async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        hash.update(piece)
        yield piece
      }
    },
    createWriteStream(path, { mode: 0o600 }),
  )
  return hash.digest('hex')
}

async function toBackup(
  path: string,
  manifest: BackupManifest,
  registry: string,
  hash: string,
): Promise<OpenBackup> {
  if (hash !== manifest.registry) throw invalidBackup(path, `a changed ${REGISTRY_FILE}`)
  async function* readLines(): AsyncGenerator<Line> {
    for await (const line of createInterface({ input: createReadStream(registry) })) {
      yield JSON.parse(line)
    }
  }
  const blobs = new Map<string, number>()
  for await (const line of readLines()) if ('blob' in line) blobs.set(line.blob, line.sizeBytes)
  return { manifest, blobs, readLines }
}
