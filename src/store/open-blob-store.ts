import { join } from 'node:path'
import type { BlobStore } from './blob-store.ts'
import { openFolderBlobStore } from './folder-blob-store.ts'

/**
 * Opens the blob store in the bucket that a URL names, without asking it anything yet, or the one of a home folder where
 * there is no URL. Throws `bucket_url_invalid`, `disk_full`, `write_failed`.
 */
export async function openBlobStore(url: string | undefined, home: string): Promise<BlobStore> {
  if (url === undefined) return openFolderBlobStore(join(home, 'blobs'))
  const [{ openBucket }, { parseBucketUrl }, { createBucketBlobStore }] = await Promise.all([
    import('../buckets/open-bucket.ts'),
    import('../buckets/bucket-url.ts'),
    import('./bucket-blob-store.ts'),
  ])
  const place = parseBucketUrl(url)
  return createBucketBlobStore(await openBucket(place), place.prefix)
}
