/** An uploaded folder → files that a version can be made of. */
import { createWriteStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createFolder } from '../../../core/atomic-write.ts'
import { listStaged } from '../../../registry/staged-objects.ts'
import type { Store } from '../../../store/store.ts'
import { withUploadFolder } from '../../../store/upload-folder.ts'

/**
 * Lays what was uploaded below `gs://bucket/path` into a folder for as long as `use` takes; where nothing was, `use` gets
 * the URI itself.
 */
export async function withStagedFolder<Result>(
  uri: string,
  store: Store,
  home: string,
  use: (from: string) => Promise<Result>,
): Promise<Result> {
  const [, bucket = '', path = ''] = /^gs:\/\/([^/]+)\/?(.*)$/.exec(uri) ?? []
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`
  const objects = bucket === '' ? [] : await listStaged(store, bucket, prefix)
  if (objects.length === 0) return use(uri)
  return withUploadFolder(home, async (folder) => {
    for (const { name, sha256 } of objects) {
      const file = join(folder, name.slice(prefix.length))
      await createFolder(dirname(file))
      await pipeline(Readable.from(store.blobs.openRead(sha256)), createWriteStream(file))
    }
    return use(folder)
  })
}
