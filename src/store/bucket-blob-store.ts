/** Blobs as objects of a bucket: `<prefix>/ab/cdef…` holds the bytes whose hash is `abcdef…`. */
import { stat } from 'node:fs/promises'
import type { Bucket, ByteRange } from '../buckets/bucket.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 as hash, sha256OfFile } from '../core/hashes.ts'
import { verified } from '../core/verified-bytes.ts'
import { damagedBlob, missingBlob } from './blob-errors.ts'
import type { BlobStore } from './blob-store.ts'

const PLACE = /^([0-9a-f]{2})\/([0-9a-f]{62})$/

/** Nothing is asked before the first call. `prefix` has no slashes around it. */
export function createBucketBlobStore(bucket: Bucket, prefix: string): BlobStore {
  const root = prefix === '' ? '' : `${prefix}/`
  const keyOf = (sha256: string) => `${root}${sha256.slice(0, 2)}/${sha256.slice(2)}`
  const placeOf = (sha256: string) => `${bucket.url}/${keyOf(sha256)}`

  async function* readPieces(sha256: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    try {
      yield* bucket.read(keyOf(sha256), range)
    } catch (error) {
      const isMissing = error instanceof VergerError && error.code === 'object_missing'
      throw isMissing ? missingBlob(sha256, placeOf(sha256), 'nothing', error) : error
    }
  }

  function openRead(sha256: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    const pieces = readPieces(sha256, range)
    return range === undefined
      ? verified(pieces, sha256, () => damagedBlob(sha256, placeOf(sha256)))
      : pieces
  }

  return {
    async put(bytes) {
      const sha256 = hash(bytes)
      await bucket.put(keyOf(sha256), bytes, { sha256 })
      return sha256
    },
    async putFile(path, options = {}) {
      const sha256 = options.sha256 ?? (await sha256OfFile(path))
      const key = keyOf(sha256)
      const there = await bucket.stat(key)
      const isIntact = there?.sha256 === sha256 && there.sizeBytes === (await stat(path)).size
      // What is there need not be sent again, but counts as put now.
      if (!isIntact || !(await bucket.touch(key))) await bucket.putFile(key, path, { sha256 })
      return sha256
    },
    async get(sha256) {
      const pieces: Uint8Array[] = []
      for await (const piece of openRead(sha256)) pieces.push(piece)
      return Buffer.concat(pieces)
    },
    openRead: (sha256, { range } = {}) => openRead(sha256, range),
    has: async (sha256) => (await bucket.stat(keyOf(sha256))) !== undefined,
    async *list() {
      for await (const { key, sizeBytes, modifiedAtMs } of bucket.list(root)) {
        const [, start = '', rest = ''] = PLACE.exec(key.slice(root.length)) ?? []
        if (rest !== '') yield { sha256: start + rest, sizeBytes, putAtMs: modifiedAtMs }
      }
    },
    delete: (sha256) => bucket.delete(keyOf(sha256)),
  }
}
