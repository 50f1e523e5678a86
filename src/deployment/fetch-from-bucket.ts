/** What lies below an address in a bucket → a folder of this machine, whole or not at all. */
import { join } from 'node:path'
import pMap from 'p-map'
import type { Bucket, BucketObject } from '../buckets/bucket.ts'
import { parseBucketUrl } from '../buckets/bucket-url.ts'
import { openBucket } from '../buckets/open-bucket.ts'
import { createFolder, writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { checkFreeSpace } from '../download/free-space.ts'
import { findMainFile, invalidSource, isFolderFile } from './source-listing.ts'

/** As the service had it that many of these folders were made for. */
const MAX_OBJECTS = 1000
/** No file of a model can be larger, and no model has two of them. */
const MAX_BYTES = 2 * 1024 ** 3
const PARALLEL = 8

export interface FetchOptions {
  /** Empty folder for what is fetched. */
  readonly folder: string
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

interface Wanted extends BucketObject {
  /** Path below the folder. */
  readonly name: string
}

/**
 * Lists first and refuses what cannot be a source before anything is fetched. Throws `bucket_url_invalid`,
 * `source_invalid`, `source_too_large`, `disk_full`, an error of the bucket, or the reason of the signal. Gives the path
 * of what was fetched: the folder, or the file that the address named.
 */
export async function fetchFromBucket(url: string, options: FetchOptions): Promise<string> {
  const { folder, onProgress, signal } = options
  const place = parseBucketUrl(url)
  const bucket = await openBucket(place)
  const { objects, isFile } = await listSource(bucket, folderOf(place.prefix), url)
  const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (totalBytes > MAX_BYTES)
    throw tooLarge(url, `at most ${MAX_BYTES} bytes`, `${totalBytes} bytes`)
  const [only] = objects
  if (!isFile)
    findMainFile(
      objects.map(({ name }) => name),
      url,
    )
  await checkFreeSpace(folder, totalBytes, `fetch ${url}`)
  let doneBytes = 0
  const count = (bytes: number) => {
    doneBytes += bytes
    onProgress?.(doneBytes, totalBytes)
  }
  await pMap(objects, (object) => fetchObject(bucket, object, folder, count, signal), {
    concurrency: PARALLEL,
    ...(signal === undefined ? {} : { signal }),
  })
  return isFile && only !== undefined ? join(folder, only.name) : folder
}

/** Where a file is named that stands for its folder, the folder. */
function folderOf(prefix: string): string {
  const slash = prefix.lastIndexOf('/')
  return isFolderFile(prefix.slice(slash + 1)) ? prefix.slice(0, Math.max(0, slash)) : prefix
}

/** The object of this key, or all below it. */
async function listSource(
  bucket: Bucket,
  prefix: string,
  url: string,
): Promise<{ readonly objects: readonly Wanted[]; readonly isFile: boolean }> {
  const file = prefix === '' ? undefined : await bucket.stat(prefix)
  if (file !== undefined && file.sizeBytes > 0) {
    return { objects: [{ ...file, name: prefix.slice(prefix.lastIndexOf('/') + 1) }], isFile: true }
  }
  const root = prefix === '' ? '' : `${prefix}/`
  const objects: Wanted[] = []
  for await (const object of bucket.list(root)) {
    // Consoles make an empty object for a folder.
    if (object.key.endsWith('/')) continue
    objects.push({ ...object, name: safeName(object.key.slice(root.length), url) })
    if (objects.length > MAX_OBJECTS) {
      throw tooLarge(url, `at most ${MAX_OBJECTS} files`, `more than ${MAX_OBJECTS}`)
    }
  }
  return { objects, isFile: false }
}

/** A key may be any text; it becomes a path below a folder of ours. */
function safeName(name: string, url: string): string {
  const parts = name.split('/')
  const isSafe = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (isSafe && !/[\\\0:]/.test(name)) return name
  throw invalidSource(url, `the key ${JSON.stringify(name)}, which is no path of a file`)
}

async function fetchObject(
  bucket: Bucket,
  { key, name, sizeBytes }: Wanted,
  folder: string,
  count: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = join(folder, ...name.split('/'))
  await createFolder(join(path, '..'))
  let received = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of bucket.read(key)) {
      signal?.throwIfAborted()
      received += piece.length
      count(piece.length)
      yield piece
    }
  }
  await writeFileAtomic(path, counted())
  if (received === sizeBytes) return
  throw new VergerError(
    'object_changed',
    `Expected ${sizeBytes} bytes of ${bucket.url}/${key} as it was listed, received ${received}`,
    { hint: 'Run the command again once nobody writes there.' },
  )
}

function tooLarge(url: string, expected: string, received: string): VergerError {
  return new VergerError(
    'source_too_large',
    `Expected ${expected} below ${url}, found ${received}`,
    { hint: 'Name the folder that holds the model alone.', details: { from: url } },
  )
}
