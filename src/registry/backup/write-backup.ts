/** Writes a backup of the registry and of all that it refers to. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { access, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Header } from 'tar'
import { createFolder, writeFileAtomic, writeFolderAtomic } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { readVersion } from '../../core/version.ts'
import type { Store } from '../../store/store.ts'
import { referencedBlobs } from '../referenced-blobs.ts'
import {
  BACKUP_FORMAT,
  type BackupManifest,
  blobFile,
  isTar,
  type Line,
  MANIFEST_FILE,
  REGISTRY_FILE,
} from './backup-form.ts'
import { readRows, withSnapshot } from './read-rows.ts'

export interface BackupOptions {
  /** A folder, or a file that ends with `.tar`; nothing lies there yet. */
  readonly out: string
  /** Read all that would be written, and write nothing. */
  readonly dryRun?: boolean
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

interface BackupFile {
  readonly name: string
  readonly sizeBytes: number
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** How often a backup starts anew because a blob was collected while it was copied. */
const ATTEMPTS = 5

/**
 * Writes the registry as it is at one moment, with its blobs, each held against its hash. Others may write meanwhile. What
 * is not whole never has the name `out`. For the owner alone: photos of people are in it.
 *
 * Throws `backup_exists`, `blob_missing`, `blob_damaged`, `disk_full`, `write_failed`, and errors of the registry.
 */
export async function writeBackup(store: Store, options: BackupOptions): Promise<BackupManifest> {
  if (options.dryRun !== true) await requireFree(options.out)
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'verger-backup-'))
    try {
      return await attemptBackup(store, options, join(folder, REGISTRY_FILE))
    } catch (error) {
      if (attempt === ATTEMPTS || !(await isOvertaken(store, error))) throw error
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Whether a blob is missing that nothing refers to any more: deleted and collected since the registry was read. */
async function isOvertaken(store: Store, error: unknown): Promise<boolean> {
  if (!(error instanceof VergerError) || error.code !== 'blob_missing') return false
  const known = await referencedBlobs(store.db, store.location)
  return !known.has(String(error.details['sha256']))
}

async function attemptBackup(
  store: Store,
  { out, dryRun = false, onProgress }: BackupOptions,
  registryPath: string,
): Promise<BackupManifest> {
  const { manifest, blobs } = await writeRegistry(store, registryPath)
  let doneBytes = 0

  async function* readBlob(sha256: string): AsyncGenerator<Uint8Array> {
    for await (const piece of store.blobs.openRead(sha256)) {
      doneBytes += piece.length
      onProgress?.(doneBytes, manifest.blobs.sizeBytes)
      yield piece
    }
  }
  async function* readFiles(): AsyncGenerator<BackupFile> {
    for (const [sha256, sizeBytes] of blobs) {
      yield { name: blobFile(sha256), sizeBytes, bytes: readBlob(sha256) }
    }
    const { size } = await stat(registryPath)
    yield { name: REGISTRY_FILE, sizeBytes: size, bytes: createReadStream(registryPath) }
    const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)
    yield { name: MANIFEST_FILE, sizeBytes: bytes.length, bytes: [bytes] }
  }

  if (dryRun) for await (const { bytes } of readFiles()) for await (const _piece of bytes);
  else if (isTar(out)) {
    await createFolder(dirname(out))
    await writeFileAtomic(out, packTar(readFiles()), { mode: 0o600 })
  } else {
    await writeFolderAtomic(
      out,
      async (folder) => {
        for await (const file of readFiles()) await writeSynced(join(folder, file.name), file)
      },
      (cause) => exists(out, cause),
      0o700,
    )
  }
  return manifest
}

/** Writes registry.ndjson; blobs come with their sizes. */
async function writeRegistry(
  store: Store,
  path: string,
): Promise<{ readonly manifest: BackupManifest; readonly blobs: ReadonlyMap<string, number> }> {
  const rows: Record<string, number> = {}
  const hash = createHash('sha256')
  const createdAt = new Date().toISOString()
  const append = (lines: AsyncIterable<Line>) =>
    pipeline(encodeLines(lines, hash), createWriteStream(path, { flags: 'a' }))

  const known = await withSnapshot(store, async (db) => {
    async function* countedRows(): AsyncGenerator<Line> {
      for await (const line of readRows(db)) {
        rows[line.table] = (rows[line.table] ?? 0) + 1
        yield line
      }
    }
    await append(countedRows())
    return referencedBlobs(db, store.location)
  })
  // Outside of the transaction: a bucket may take its time.
  const blobs = await measureBlobs(store, known)
  async function* blobLines(): AsyncGenerator<Line> {
    for (const [blob, sizeBytes] of blobs) yield { blob, sizeBytes }
  }
  await append(blobLines())
  const sizeBytes = [...blobs.values()].reduce((total, size) => total + size, 0)
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    verger: readVersion(),
    createdAt,
    database: store.dialect,
    registry: hash.digest('hex'),
    rows,
    blobs: { count: blobs.size, sizeBytes },
  }
  return { manifest, blobs }
}

async function* encodeLines(lines: AsyncIterable<Line>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const line of lines) {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    hash.update(bytes)
    yield bytes
  }
}

async function measureBlobs(store: Store, known: ReadonlySet<string>) {
  const sizes = new Map<string, number>()
  for await (const { sha256, sizeBytes } of store.blobs.list()) {
    if (known.has(sha256)) sizes.set(sha256, sizeBytes)
  }
  // One that was put since, or is gone: reading it says where it should be. Not by `get`, which may know it from a cache.
  for (const sha256 of known) {
    if (sizes.has(sha256)) continue
    let sizeBytes = 0
    for await (const piece of store.blobs.openRead(sha256)) sizeBytes += piece.length
    sizes.set(sha256, sizeBytes)
  }
  return sizes
}

/** POSIX tar (ustar): a block of 512 bytes before each file, zeros behind it, two blocks of zeros at the end. */
const BLOCK = 512

async function* packTar(files: AsyncIterable<BackupFile>): AsyncGenerator<Uint8Array> {
  const mtime = new Date()
  for await (const { name: path, sizeBytes: size, bytes } of files) {
    const header = new Header({ path, size, mtime, mode: 0o600, type: 'File' })
    header.encode()
    yield header.block ?? Buffer.alloc(BLOCK)
    yield* bytes
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
  }
  yield Buffer.alloc(2 * BLOCK)
}

/** Brings a file to the disk; its folder gets its name when it is whole. */
async function writeSynced(path: string, { bytes }: BackupFile): Promise<void> {
  await createFolder(dirname(path))
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of bytes) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function requireFree(out: string): Promise<void> {
  const isThere = await access(out).then(
    () => true,
    () => false,
  )
  if (isThere) throw exists(out)
}

function exists(out: string, cause?: unknown): VergerError {
  return new VergerError(
    'backup_exists',
    `Expected no file or folder at ${out}, something lies there`,
    { hint: 'Choose another name, for example one with the date.', details: { path: out }, cause },
  )
}
