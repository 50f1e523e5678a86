/** Archives of photos: unpacked once into the home folder, under the hash of the archive. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackArchive } from '../archives/unpack-archive.ts'
import { createFolder } from '../core/atomic-write.ts'
import { sha256OfFile } from '../core/hashes.ts'
import { markUnpackedUsed, unpackedFolder } from './unpacked-archives.ts'

/** Extensions of files that are unpacked. */
export const ARCHIVE_EXTENSIONS = ['.zip', '.tar', '.tar.gz', '.tgz'] as const

/** No archive takes this long, so an older folder belongs to a process that was killed. */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * Gives the folder `<home>/unpacked/<hash>` that holds what is in the archive, and unpacks it where it is not there yet.
 * The folder appears when it is whole. Throws what `unpackArchive` throws.
 */
export async function unpackOnce(file: string, home: string): Promise<string> {
  const unpacked = unpackedFolder(home)
  const folder = join(unpacked, await sha256OfFile(file))
  if (await exists(folder)) {
    await markUnpackedUsed(home, folder)
    return folder
  }
  await createFolder(unpacked, { mode: 0o700 })
  await removeStale(unpacked)
  try {
    await unpackArchive(file, folder)
  } catch (error) {
    // Another process was faster: what it unpacked has the same hash.
    if (!(await exists(folder))) throw error
  }
  return folder
}

async function removeStale(unpacked: string): Promise<void> {
  for (const name of await readdir(unpacked)) {
    if (!name.includes('.unpacking-')) continue
    const path = join(unpacked, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > STALE_AFTER_MS) await rm(path, { recursive: true, force: true })
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
