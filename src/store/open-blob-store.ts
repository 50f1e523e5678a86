import { join } from 'node:path'
import { VergerError } from '../core/errors.ts'
import type { BlobStore } from './blob-store.ts'
import { openFolderBlobStore } from './folder-blob-store.ts'

/**
 * Opens the blob store that a URL names, or the one of a home folder where there is no URL. Throws `config_invalid`,
 * `disk_full`, `write_failed`.
 */
export async function openBlobStore(url: string | undefined, home: string): Promise<BlobStore> {
  if (url === undefined) return openFolderBlobStore(join(home, 'blobs'))
  throw new VergerError(
    'config_invalid',
    `Expected VERGER_BLOBS_URL to name a bucket that this version can open, received ${url}`,
    { hint: 'Leave VERGER_BLOBS_URL unset to keep files in VERGER_HOME/blobs.' },
  )
}
