import { join } from 'node:path'
import { sha256 } from '../core/hashes.ts'
import type { BlobStore } from './blob-store.ts'
import { openFolderBlobStore } from './folder-blob-store.ts'

/** Below it, one folder for each bucket whose blobs were read. */
const cachedBlobsFolder = (home: string): string => join(home, 'cache', 'blobs')

/**
 * Opens the blob store in the bucket that a URL names, without asking it anything yet, or the one of a home folder where
 * there is no URL. Throws `bucket_url_invalid`; without a URL `disk_full`, `write_failed`.
 */
export async function openBlobStore(url: string | undefined, home: string): Promise<BlobStore> {
  if (url === undefined) return openFolderBlobStore(join(home, 'blobs'))
  const [{ openBucket }, { parseBucketUrl }, { createBucketBlobStore }, { openCachedBlobStore }] =
    await Promise.all([
      import('../buckets/open-bucket.ts'),
      import('../buckets/bucket-url.ts'),
      import('./bucket-blob-store.ts'),
      import('./cached-blob-store.ts'),
    ])
  const place = parseBucketUrl(url)
  const blobs = createBucketBlobStore(await openBucket(place), place.prefix)
  const name = sha256(Buffer.from(url)).slice(0, 16)
  const cache = await openFolderBlobStore(join(cachedBlobsFolder(home), name)).catch(
    () => undefined,
  )
  // Of a home that cannot be written to nothing is kept, and nothing is needed.
  return cache === undefined ? blobs : openCachedBlobStore(blobs, cache)
}
