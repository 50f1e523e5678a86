/** Finds a classifier wherever it lies, and reads it. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findWantedBackbone } from '../backbones/portable-backbones.ts'
import { parseBucketUrl } from '../buckets/bucket-url.ts'
import { type BundleFiles, verifyBundle } from '../bundles/verify-bundle.ts'
import { createFolder } from '../core/atomic-write.ts'
import { fetchFromBucket } from './fetch-from-bucket.ts'
import {
  type ForeignFacts,
  type ReadSource,
  type ReadSourceContext,
  readSource,
} from './read-source.ts'

/** An absolute path, `gs://…` or `s3://…`; or the files of a bundle whose backbone this machine has. */
export type VersionOrigin = string | BundleFiles

export type SourceProgress =
  | { readonly stage: 'fetching'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly stage: 'reading' }

export interface OpenSourceContext extends ReadSourceContext {
  readonly onProgress?: ((progress: SourceProgress) => void) | undefined
}

/**
 * Fetches and reads a source; what was fetched is gone when it returns. Throws `bucket_url_invalid`, `source_invalid`,
 * `source_too_large`, an error of the bucket, of the bundle or of the import, or the reason of the signal.
 */
export async function openSource(
  from: VersionOrigin,
  facts: ForeignFacts,
  context: OpenSourceContext,
): Promise<ReadSource> {
  const { home, onProgress, signal } = context
  if (typeof from !== 'string') {
    onProgress?.({ stage: 'reading' })
    const { backbone: wanted } = verifyBundle(from)
    return {
      files: from,
      backbone: findWantedBackbone(wanted, home),
    }
  }
  if (!isUrl(from)) {
    onProgress?.({ stage: 'reading' })
    return readSource(from, from, facts, context)
  }
  parseBucketUrl(from)
  const folder = await createFetchFolder(home)
  try {
    const path = await fetchFromBucket(from, {
      folder,
      signal,
      onProgress: (doneBytes, totalBytes) =>
        onProgress?.({ stage: 'fetching', doneBytes, totalBytes }),
    })
    onProgress?.({ stage: 'reading' })
    return await readSource(path, from, facts, context)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether a text is an address rather than a path; one that is not of a bucket is refused as such. */
export const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)

const FETCHED = 'fetched-'
/** No fetch takes this long, so that an older folder is that of a killed process. */
const STALE_MS = 24 * 60 * 60 * 1000

async function createFetchFolder(home: string): Promise<string> {
  const cache = join(home, 'cache')
  await createFolder(cache)
  for (const name of (await readdir(cache)).filter((each) => each.startsWith(FETCHED))) {
    const path = join(cache, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true })
  }
  return mkdtemp(join(cache, FETCHED))
}
