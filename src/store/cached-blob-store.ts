/** Small blobs of a bucket that were read once, kept on this machine, so that a start reads nothing twice over the network. */
import type { BlobEntry, BlobStore } from './blob-store.ts'

/** A version is three files of this size at most; backbones have a place of their own. */
const MAX_BLOB_BYTES = 8 * 1024 * 1024
/** Some hundred versions. */
const MAX_BYTES = 1024 ** 3

/**
 * Reads through `cache`, which verifies what it holds; all else goes to `remote`. What is too much goes when it is opened,
 * the oldest first. A cache that cannot be written to is none.
 */
export async function openCachedBlobStore(remote: BlobStore, cache: BlobStore): Promise<BlobStore> {
  await prune(cache)
  return {
    ...remote,
    async get(sha256) {
      const kept = await cache.get(sha256).catch(() => undefined)
      if (kept !== undefined) return kept
      const bytes = await remote.get(sha256)
      if (bytes.length <= MAX_BLOB_BYTES) await cache.put(bytes).catch(() => {})
      return bytes
    },
  }
}

async function prune(cache: BlobStore): Promise<void> {
  const entries: BlobEntry[] = []
  for await (const entry of cache.list()) entries.push(entry)
  let left = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  for (const { sha256, sizeBytes } of entries.sort((one, other) => one.putAtMs - other.putAtMs)) {
    if (left <= MAX_BYTES) return
    await cache.delete(sha256)
    left -= sizeBytes
  }
}
