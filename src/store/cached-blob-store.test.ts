import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { BlobStore } from './blob-store.ts'
import { openCachedBlobStore } from './cached-blob-store.ts'
import { openFolderBlobStore } from './folder-blob-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-cached-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function setUp() {
  const far = await openFolderBlobStore(join(folder, 'far'))
  let reads = 0
  const remote: BlobStore = {
    ...far,
    get(sha256) {
      reads++
      return far.get(sha256)
    },
  }
  const cache = await openFolderBlobStore(join(folder, 'near'))
  return { remote, cache, blobs: await openCachedBlobStore(remote, cache), reads: () => reads }
}

describe('a store that keeps what it read', () => {
  it('reads a blob from afar once', async () => {
    const { blobs, reads } = await setUp()
    const hash = await blobs.put(Buffer.from('apple'))
    for (let time = 0; time < 3; time++) expect(String(await blobs.get(hash))).toBe('apple')
    expect(reads()).toBe(1)
  })

  it('reads it again where what was kept is damaged', async () => {
    const { blobs, reads } = await setUp()
    const hash = await blobs.put(Buffer.from('apple'))
    await blobs.get(hash)
    writeFileSync(join(folder, 'near', hash.slice(0, 2), hash.slice(2)), 'worm')
    expect(String(await blobs.get(hash))).toBe('apple')
    expect(String(await blobs.get(hash))).toBe('apple')
    expect(reads()).toBe(2)
  })

  it('does not keep what is large', async () => {
    const { blobs, reads } = await setUp()
    const hash = await blobs.put(Buffer.alloc(9_000_000, 'a'))
    await blobs.get(hash)
    await blobs.get(hash)
    expect(reads()).toBe(2)
  })

  it('says whether a blob is afar, not whether it was kept', async () => {
    const { blobs } = await setUp()
    const hash = await blobs.put(Buffer.from('apple'))
    await blobs.get(hash)
    await blobs.delete(hash)
    expect(await blobs.has(hash)).toBe(false)
  })

  it('rejects like the store behind it', async () => {
    const { blobs } = await setUp()
    await expect(blobs.get('0'.repeat(64))).rejects.toMatchObject({ code: 'blob_missing' })
  })
})
