/** The promises of a blob store, kept by every implementation. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import type { BlobEntry, BlobStore } from '../../dist/store/blob-store.js'
import { openFolderBlobStore } from '../../dist/store/folder-blob-store.js'
import { createHome } from './homes.ts'

const implementations: readonly { name: string; open(): Promise<BlobStore> }[] = [
  { name: 'folder', open: () => openFolderBlobStore(createHome()) },
]

async function listAll(blobs: BlobStore): Promise<BlobEntry[]> {
  const entries: BlobEntry[] = []
  for await (const entry of blobs.list()) entries.push(entry)
  return entries
}

describe.each(implementations)('blob store: $name', ({ open }) => {
  it('gives back what was put, by its hash', async () => {
    const blobs = await open()
    const bytes = randomBytes(300_000)
    const hash = await blobs.put(bytes)
    expect(hash).toBe(sha256(bytes))
    expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
    expect(await blobs.has(hash)).toBe(true)
  })

  it('keeps no bytes too', async () => {
    const blobs = await open()
    expect(await blobs.get(await blobs.put(new Uint8Array()))).toHaveLength(0)
  })

  it('keeps equal bytes once, also when they come at the same time', async () => {
    const blobs = await open()
    const bytes = randomBytes(100_000)
    await Promise.all(Array.from({ length: 10 }, () => blobs.put(bytes)))
    await blobs.put(bytes)
    expect(await listAll(blobs)).toMatchObject([{ sha256: sha256(bytes), sizeBytes: 100_000 }])
  })

  it('lists every blob with its size and the time of its last put', async () => {
    const blobs = await open()
    const beforeMs = Date.now() - 2000
    const hashes = await Promise.all([1, 2, 3].map((size) => blobs.put(randomBytes(size))))
    const entries = await listAll(blobs)
    expect(entries.map((entry) => entry.sha256).sort()).toEqual(hashes.sort())
    expect(entries.map((entry) => entry.sizeBytes).sort()).toEqual([1, 2, 3])
    for (const { putAtMs } of entries) expect(putAtMs).toBeGreaterThan(beforeMs)
  })

  it('says what is missing', async () => {
    const blobs = await open()
    const hash = sha256(Buffer.from('never put'))
    expect(await blobs.has(hash)).toBe(false)
    await expect(blobs.get(hash)).rejects.toMatchObject({
      code: 'blob_missing',
      details: { sha256: hash },
      hint: expect.stringContaining('again'),
    })
  })

  it('deletes, and does not mind what is gone', async () => {
    const blobs = await open()
    const hash = await blobs.put(randomBytes(10))
    await blobs.delete(hash)
    await blobs.delete(hash)
    expect(await blobs.has(hash)).toBe(false)
    expect(await listAll(blobs)).toEqual([])
  })
})

describe('blob store: folder, on its disk', () => {
  const pathOf = (folder: string, hash: string) => join(folder, hash.slice(0, 2), hash.slice(2))

  it.each([
    ['a changed byte', (bytes: Buffer) => bytes.fill(bytes.readUInt8(50) ^ 1, 50, 51)],
    ['a missing end', (bytes: Buffer) => bytes.subarray(0, 60)],
    ['nothing left', () => Buffer.alloc(0)],
  ])('finds %s by the hash, and is repaired by the next put', async (_words, damage) => {
    const folder = createHome()
    const blobs = await openFolderBlobStore(folder)
    const bytes = randomBytes(100)
    const hash = await blobs.put(bytes)
    writeFileSync(pathOf(folder, hash), damage(Buffer.from(bytes)))
    await expect(blobs.get(hash)).rejects.toMatchObject({
      code: 'blob_damaged',
      message: expect.stringContaining(pathOf(folder, hash)),
    })
    await blobs.put(bytes)
    expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
  })

  it('says again when a blob was put again', async () => {
    const folder = createHome()
    const blobs = await openFolderBlobStore(folder)
    const hash = await blobs.put(Buffer.from('a'))
    utimesSync(pathOf(folder, hash), 1000, 1000)
    expect((await listAll(blobs))[0]?.putAtMs).toBe(1_000_000)
    await blobs.put(Buffer.from('a'))
    expect((await listAll(blobs))[0]?.putAtMs).toBeGreaterThan(Date.now() - 10_000)
  })

  it('never shows what is half written, and sweeps what a killed process left the day before', async () => {
    const folder = createHome()
    const blobs = await openFolderBlobStore(folder)
    const hash = await blobs.put(Buffer.from('a'))
    const left = ['.young.0123456789ab.tmp', '.old.0123456789ab.tmp']
    for (const name of left) writeFileSync(join(folder, 'incoming', name), 'half')
    utimesSync(join(folder, 'incoming/.old.0123456789ab.tmp'), 1000, 1000)
    writeFileSync(join(folder, hash.slice(0, 2), 'no blob'), '')
    mkdirSync(join(folder, 'other'))
    expect((await listAll(blobs)).map((entry) => entry.sha256)).toEqual([hash])
    const again = await openFolderBlobStore(folder)
    expect(readdirSync(join(folder, 'incoming'))).toEqual(['.young.0123456789ab.tmp'])
    expect(await again.has(hash)).toBe(true)
  })

  it('leaves nothing behind when it cannot write', async () => {
    const folder = createHome()
    const blobs = await openFolderBlobStore(folder)
    const bytes = Buffer.from('blocked')
    writeFileSync(join(folder, sha256(bytes).slice(0, 2)), 'a file where a folder should be')
    await expect(blobs.put(bytes)).rejects.toMatchObject({ code: 'write_failed' })
    expect(readdirSync(join(folder, 'incoming'))).toEqual([])
    rmSync(join(folder, sha256(bytes).slice(0, 2)))
    expect(readFileSync(pathOf(folder, await blobs.put(bytes)), 'utf8')).toBe('blocked')
  })
})
