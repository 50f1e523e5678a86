/** Buckets and the blob stores in them, against real servers of both protocols, directly and through a faulty network. */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBucket } from '../../dist/buckets/open-bucket.js'
import { sha256 } from '../../dist/core/hashes.js'
import { createBucketBlobStore } from '../../dist/store/bucket-blob-store.js'
import { describeBlobStore, listAll } from '../contract/blob-store-suite.ts'
import { createFolder } from '../contract/homes.ts'
import {
  type ConnectionFault,
  type FaultyProxy,
  startFaultyProxy,
} from '../support/faulty-proxy.ts'
import { type ObjectServer, type S3Server, startGcs, startS3 } from '../support/object-servers.ts'

const PUT_FILE = fileURLToPath(new URL('../contract/programs/put-file.mjs', import.meta.url))
/** Long enough for a busy machine, short enough for a test that waits for it. */
const STALL_MS = 1500
/** Three parts. */
const LARGE_BYTES = 20_000_000

describe.each([
  ['s3', startS3],
  ['gs', startGcs],
] as const)('%s', (scheme, start) => {
  let server: ObjectServer
  let proxy: FaultyProxy
  const opening = async (stallMs?: number) => {
    const bucket = await openBucket(
      { scheme, bucket: 'blobs' },
      stallMs === undefined ? {} : { stallMs },
    )
    const prefix = `test/${randomUUID()}`
    return { bucket, prefix, blobs: createBucketBlobStore(bucket, prefix) }
  }

  beforeAll(async () => {
    server = await start()
    await server.createBucket('blobs')
    proxy = await startFaultyProxy(server.port)
    await server.reachedAt(proxy.port)
    Object.assign(process.env, server.env(proxy.port))
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })

  /** Starts to put a file in a process of its own, and kills that in the middle. */
  async function killWhilePut(prefix: string, path: string): Promise<void> {
    const sentBefore = proxy.bytesUp
    const child = spawn(process.execPath, [PUT_FILE, scheme, 'blobs', prefix, path], {
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    while (proxy.bytesUp - sentBefore < 15_000_000) await sleep(1)
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
  }

  describeBlobStore('bucket', async () => (await opening()).blobs)

  describe('through a faulty network', () => {
    const refused: readonly [string, ConnectionFault[]][] = [
      ['cut while it is sent', [{ cutUpAfter: 5_000 }, { cutUpAfter: 20_000 }]],
      ['refused for a moment', [{ status: 503 }, { status: 429 }]],
      ['lost behind its last byte', [{ cutDownAfter: 0 }]],
    ]
    it.each(refused)('puts bytes that are %s', async (_words, faults) => {
      const { blobs } = await opening()
      const bytes = randomBytes(300_000)
      proxy.plan(...faults)
      const hash = await blobs.put(bytes)
      expect(proxy.left).toBe(0)
      expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
    })

    it('puts a large file whose parts are cut and refused', async () => {
      const { blobs } = await opening()
      const bytes = randomBytes(LARGE_BYTES)
      const path = join(createFolder(), 'large')
      writeFileSync(path, bytes)
      // The first connection asks whether it is there.
      proxy.plan({ cutUpAfter: 3_000_000 }, { status: 503 }, { cutUpAfter: 6_000_000 })
      const sentBefore = proxy.bytesUp
      const hash = await blobs.putFile(path)
      expect(proxy.left).toBe(0)
      expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
      // Of S3 each part is sent again by itself; Google's library begins the file again.
      const most = scheme === 's3' ? LARGE_BYTES + 12_000_000 : 3 * LARGE_BYTES
      expect(proxy.bytesUp - sentBefore).toBeLessThan(most)
    })

    const cut: readonly [string, ConnectionFault[]][] = [
      ['cut twice', [{ cutDownAfter: 1_000_000 }, { cutDownAfter: 5_000_000 }]],
      ['refused for a moment', [{ status: 503 }, { status: 500 }]],
      ['silent in the middle', [{ stallDownAfter: 2_000_000 }]],
      ['silent from the start', [{ stallDownAfter: 0 }]],
      ['slow', [{ bytesPerSecond: 15_000_000 }]],
    ]
    it.each(cut)('reads what is %s', async (_words, faults) => {
      const { blobs } = await opening(STALL_MS)
      const bytes = randomBytes(LARGE_BYTES)
      const hash = await blobs.put(bytes)
      proxy.plan(...faults)
      expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
      expect(proxy.left).toBe(0)
    })

    it('reads on for a reader that takes longer than a server may be silent', async () => {
      const { blobs } = await opening(300)
      const bytes = randomBytes(3_000_000)
      const hash = await blobs.put(bytes)
      const pieces: Uint8Array[] = []
      for await (const piece of blobs.openRead(hash)) {
        if (pieces.length === 0) await sleep(900)
        pieces.push(piece)
      }
      expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0)
    })

    it('gives up, and says where it was and what to look at', async () => {
      const { blobs } = await opening()
      proxy.plan(...Array.from({ length: 30 }, () => ({ status: 503 })))
      await expect(blobs.has(sha256(Buffer.from('a')))).rejects.toMatchObject({
        code: 'storage_unreachable',
        message: expect.stringContaining(`${scheme}://blobs/test/`),
        hint: expect.stringContaining('network'),
      })
      proxy.plan()
    })

    it('says at once that it may not', async () => {
      const { blobs } = await opening()
      const hash = sha256(Buffer.from('a'))
      const denied = {
        code: 'storage_denied',
        message: expect.stringContaining(`${scheme}://blobs/test/`),
        hint: expect.stringMatching(/AWS_ACCESS_KEY_ID|GOOGLE_APPLICATION_CREDENTIALS/),
      }
      for (const work of [
        () => blobs.has(hash),
        () => blobs.get(hash),
        () => blobs.put(Buffer.from('a')),
        () => listAll(blobs),
      ]) {
        proxy.plan({ status: 403 })
        await expect(work()).rejects.toMatchObject(denied)
      }
    })
  })

  it('says that there is no such bucket, whatever was wanted', async () => {
    const bucket = await openBucket({ scheme, bucket: 'no-such-bucket' })
    const path = join(createFolder(), 'large')
    writeFileSync(path, randomBytes(9_000_000))
    const unknown = {
      code: 'bucket_unknown',
      message: expect.stringContaining(`${scheme}://no-such-bucket`),
    }
    await expect(createBucketBlobStore(bucket, '').put(Buffer.from('a'))).rejects.toMatchObject(
      unknown,
    )
    await expect(createBucketBlobStore(bucket, '').putFile(path)).rejects.toMatchObject(unknown)
    await expect(bucket.stat('a')).rejects.toMatchObject(unknown)
    await expect(bucket.read('a')[Symbol.asyncIterator]().next()).rejects.toMatchObject(unknown)
    await expect(listAll(createBucketBlobStore(bucket, 'a'))).rejects.toMatchObject(unknown)
  })

  it('finds bytes that somebody changed, and repairs them by the next put', async () => {
    const { bucket, prefix, blobs } = await opening()
    const bytes = randomBytes(1000)
    const hash = await blobs.put(bytes)
    const other = randomBytes(1000)
    const key = `${prefix}/${hash.slice(0, 2)}/${hash.slice(2)}`
    await bucket.put(key, other, { sha256: sha256(other) })
    await expect(blobs.get(hash)).rejects.toMatchObject({
      code: 'blob_damaged',
      message: expect.stringContaining(`${scheme}://blobs/${key}`),
    })
    const path = join(createFolder(), 'file')
    writeFileSync(path, bytes)
    await blobs.putFile(path)
    expect(Buffer.compare(await blobs.get(hash), bytes)).toBe(0)
  })

  // S3 compares the SHA-256 before it shows anything.
  const believed = scheme === 'gs' ? ['the hash of the whole'] : []
  it.each(believed)('does not take half an object that has %s for a put that failed', async () => {
    const { bucket, prefix } = await opening()
    const bytes = randomBytes(2000)
    const hash = sha256(bytes)
    const key = `${prefix}/half`
    await bucket.put(key, bytes.subarray(0, 1000), { sha256: hash })
    proxy.plan({ status: 403 })
    await expect(bucket.put(key, bytes, { sha256: hash })).rejects.toMatchObject({
      code: 'storage_denied',
    })
  })

  // Google's servers compare another checksum, which cannot be wrong here, and forget uploads by themselves.
  const compared = scheme === 's3' ? ['SHA-256'] : []
  it.each(compared)('refuses bytes that are not those of their %s', async () => {
    const { bucket, prefix } = await opening()
    const key = `${prefix}/wrong`
    const said = sha256(Buffer.from('other'))
    await expect(bucket.put(key, Buffer.from('a'), { sha256: said })).rejects.toThrow(/checksum/i)
    expect(await bucket.stat(key)).toBeUndefined()
  })

  it('counts what is put again as put now, also a file', async () => {
    const { blobs } = await opening()
    const path = join(createFolder(), 'file')
    writeFileSync(path, randomBytes(10_000))
    await blobs.putFile(path)
    const [before] = await listAll(blobs)
    // S3 counts in seconds.
    await sleep(1100)
    await blobs.putFile(path)
    const [after] = await listAll(blobs)
    expect(after?.putAtMs).toBeGreaterThan(before?.putAtMs ?? 0)
  })

  it('shows nothing of a file whose process was killed while it was put', async () => {
    const { blobs, prefix } = await opening()
    const bytes = randomBytes(60_000_000)
    const path = join(createFolder(), 'file')
    writeFileSync(path, bytes)
    await killWhilePut(prefix, path)
    expect(await blobs.has(sha256(bytes))).toBe(false)
    expect(await listAll(blobs)).toEqual([])
    const hash = await blobs.putFile(path)
    expect(await listAll(blobs)).toMatchObject([{ sha256: hash, sizeBytes: bytes.length }])
  })

  it.each(compared)('gives up the parts of an upload that was stopped the day before', async () => {
    const { uploadsIn } = server as S3Server
    const { blobs, prefix } = await opening()
    const bytes = randomBytes(60_000_000)
    const path = join(createFolder(), 'file')
    writeFileSync(path, bytes)
    const before = uploadsIn('blobs')
    await killWhilePut(prefix, path)
    const [stopped = ''] = uploadsIn('blobs').filter((upload) => !before.includes(upload))
    // It may still be under way.
    const hash = await blobs.putFile(path)
    expect(uploadsIn('blobs')).toContain(stopped)
    await blobs.delete(hash)
    const yesterday = Date.now() / 1000 - 25 * 60 * 60
    utimesSync(stopped, yesterday, yesterday)
    await blobs.putFile(path)
    expect(uploadsIn('blobs')).not.toContain(stopped)
    expect(await blobs.has(hash)).toBe(true)
  })
})
