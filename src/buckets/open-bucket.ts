/** A bucket by its address. */
import * as fs from 'node:fs/promises'
import { VergerError } from '../core/errors.ts'
import { sha256 as hash } from '../core/hashes.ts'
import { fileDiffers, readFileAs } from '../core/verified-bytes.ts'
import { type Bucket, type KnownObject, PART_BYTES } from './bucket.ts'
import { toBucketError } from './bucket-error.ts'
import type { BucketUrl } from './bucket-url.ts'
import { type ObjectClient, STALL_MS } from './object-client.ts'
import { readObject } from './read-object.ts'

export interface BucketOptions {
  /** How long a server may be silent. */
  readonly stallMs?: number
}

/** Asks nothing yet: the library is loaded, and the bucket missed, at the first call. */
export async function openBucket(
  { scheme, bucket }: Pick<BucketUrl, 'scheme' | 'bucket'>,
  { stallMs = STALL_MS }: BucketOptions = {},
): Promise<Bucket> {
  const url = `${scheme}://${bucket}`
  const client = await createClient(scheme, bucket, stallMs)

  /** Whether the bucket was seen: a server says the same of an object and of a bucket that it does not have. */
  let isKnown = false
  async function explain(error: unknown, key: string): Promise<unknown> {
    const fault = client.judge(error)
    if (fault === 'missing') isKnown ||= await client.hasBucket().catch(() => true)
    return toBucketError(error, fault === 'missing' && !isKnown ? 'bucket' : fault, { url, key })
  }
  async function say<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw await explain(error, key)
    }
  }

  /** Where only the answer was lost, the object is there all the same, and whole. */
  const putOnce = (
    key: string,
    { sha256, sizeBytes }: Pick<KnownObject, 'sha256' | 'sizeBytes'>,
    put: () => Promise<void>,
  ): Promise<void> =>
    say(key, async () => {
      try {
        await put()
      } catch (error) {
        const there = await client.stat(key).catch(() => undefined)
        if (there?.sha256 !== sha256 || there?.sizeBytes !== sizeBytes) throw error
      }
    })

  return {
    url,
    async *list(prefix) {
      try {
        yield* client.list(prefix)
      } catch (error) {
        throw await explain(error, prefix)
      }
    },
    async stat(key) {
      try {
        return await say(key, () => client.stat(key))
      } catch (error) {
        if (error instanceof VergerError && error.code === 'object_missing') return undefined
        throw error
      }
    },
    async *read(key, range) {
      try {
        yield* readObject(client, key, range, stallMs)
      } catch (error) {
        throw await explain(error, key)
      }
    },
    put: (key, bytes, { sha256 }) =>
      putOnce(key, { sha256, sizeBytes: bytes.length }, () => client.put(key, bytes, sha256)),
    async putFile(key, path, options) {
      const { sha256, onProgress } = options
      const { size } = await fs.stat(path)
      if (size > PART_BYTES) {
        return putOnce(key, { sha256, sizeBytes: size }, () =>
          client.putStream(key, () => readFileAs(path, sha256), options),
        )
      }
      const bytes = await fs.readFile(path)
      const received = hash(bytes)
      if (received !== sha256) throw fileDiffers(path, sha256, received)
      const whole = { sha256, sizeBytes: bytes.length }
      await putOnce(key, whole, () => client.put(key, bytes, sha256))
      onProgress?.(bytes.length)
    },
    touch: (key) => say(key, () => client.touch(key)),
    delete: (key) => say(key, () => client.delete(key)),
  }
}

async function createClient(
  scheme: BucketUrl['scheme'],
  bucket: string,
  stallMs: number,
): Promise<ObjectClient> {
  if (scheme === 's3') return (await import('./s3-client.ts')).createS3Client(bucket, stallMs)
  return (await import('./gcs-client.ts')).createGcsClient(bucket, stallMs)
}
