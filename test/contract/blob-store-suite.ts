/** The promises of a blob store, kept by every implementation. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import type { BlobEntry, BlobStore } from '../../dist/store/blob-store.js'
import { createFolder } from './homes.ts'

/** Goes to a bucket in several parts. */
const LARGE_BYTES = 20_000_000

export async function listAll(blobs: BlobStore): Promise<BlobEntry[]> {
  const entries: BlobEntry[] = []
  for await (const entry of blobs.list()) entries.push(entry)
  return entries
}

/** Holds what `open` gives, a store without blobs, to the promises of the interface. */
export function describeBlobStore(name: string, open: () => Promise<BlobStore>): void {
  describe(`blob store: ${name}`, () => {
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

    it('keeps a file, whatever its size', async () => {
      const blobs = await open()
      for (const sizeBytes of [0, 10, LARGE_BYTES]) {
        const bytes = randomBytes(sizeBytes)
        const path = join(createFolder(), 'file')
        writeFileSync(path, bytes)
        expect(await blobs.putFile(path)).toBe(sha256(bytes))
        expect(await blobs.putFile(path, { sha256: sha256(bytes) })).toBe(sha256(bytes))
        expect(Buffer.compare(await blobs.get(sha256(bytes)), bytes)).toBe(0)
      }
      expect(await listAll(blobs)).toHaveLength(3)
    })

    it.each([
      ['small', 1000],
      ['large', LARGE_BYTES],
    ])(
      'keeps nothing of a %s file that is not what it is said to be',
      async (_words, sizeBytes) => {
        const blobs = await open()
        const path = join(createFolder(), 'file')
        writeFileSync(path, randomBytes(sizeBytes))
        const said = sha256(Buffer.from('something else'))
        await expect(blobs.putFile(path, { sha256: said })).rejects.toMatchObject({
          code: 'blob_damaged',
          message: expect.stringContaining(path),
        })
        expect(await blobs.has(said)).toBe(false)
        expect(await listAll(blobs)).toEqual([])
      },
    )

    it('reads a blob piece by piece, or a part of it', async () => {
      const blobs = await open()
      const bytes = randomBytes(LARGE_BYTES)
      const hash = await blobs.put(bytes)
      const read = async (range?: { start: number; end: number }) => {
        const pieces: Uint8Array[] = []
        for await (const piece of blobs.openRead(hash, range === undefined ? {} : { range })) {
          pieces.push(piece)
        }
        return pieces
      }
      const whole = await read()
      expect(Buffer.compare(Buffer.concat(whole), bytes)).toBe(0)
      expect(Math.max(...whole.map(({ length }) => length))).toBeLessThan(LARGE_BYTES / 2)
      const part = Buffer.concat(await read({ start: 1_000_000, end: 1_000_009 }))
      expect(Buffer.compare(part, bytes.subarray(1_000_000, 1_000_010))).toBe(0)
      const end = Buffer.concat(await read({ start: LARGE_BYTES - 5, end: LARGE_BYTES + 5 }))
      expect(Buffer.compare(end, bytes.subarray(-5))).toBe(0)
      expect(await read({ start: LARGE_BYTES, end: LARGE_BYTES + 5 })).toEqual([])
    })

    it('says what is missing before the first piece', async () => {
      const blobs = await open()
      const hash = sha256(Buffer.from('never put'))
      for (const range of [undefined, { start: 0, end: 5 }]) {
        const pieces = blobs.openRead(hash, range === undefined ? {} : { range })
        await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({
          code: 'blob_missing',
        })
      }
    })

    it('can be left in the middle of a blob', async () => {
      const blobs = await open()
      const hash = await blobs.put(randomBytes(LARGE_BYTES))
      for await (const piece of blobs.openRead(hash)) {
        expect(piece.length).toBeGreaterThan(0)
        break
      }
      expect(await blobs.has(hash)).toBe(true)
    })
  })
}
