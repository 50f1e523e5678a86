/** `<home>/uploads`: bytes of others on their way to become blobs. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder } from '../core/atomic-write.ts'

/** No upload takes this long, so an older one belongs to a process that was killed. */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000

const uploadsFolder = (home: string): string => join(home, 'uploads')

/** Uses a folder of the home for as long as `use` takes. Throws `disk_full`, `write_failed`. */
export async function withUploadFolder<Result>(
  home: string,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const uploads = uploadsFolder(home)
  await createFolder(uploads, { mode: 0o700 })
  const folder = await mkdtemp(join(uploads, 'upload-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Removes what killed processes left, once it is more than a day old. */
export async function removeStaleUploads(home: string): Promise<void> {
  const uploads = uploadsFolder(home)
  for (const name of await readdir(uploads).catch(() => [])) {
    const path = join(uploads, name)
    // Another process may remove it at the same time.
    const modifiedMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - modifiedMs > STALE_AFTER_MS) await rm(path, { recursive: true, force: true })
  }
}
