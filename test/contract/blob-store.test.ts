/** Blobs as files of a folder; test/servers has the same for buckets. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { openFolderBlobStore } from '../../dist/store/folder-blob-store.js'
import { describeBlobStore, listAll } from './blob-store-suite.ts'
import { createHome } from './homes.ts'

describeBlobStore('folder', () => openFolderBlobStore(createHome()))

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
