/** What `unpackOnce` keeps: found, marked as used, and removed again. */
import { randomBytes } from 'node:crypto'
import { lstat, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

export interface UnpackedArchive {
  readonly folder: string
  readonly sizeBytes: number
  /** When it was last unpacked or opened, in milliseconds since 1970. */
  readonly usedAtMs: number
}

/** Folder below the home of Verger that holds one folder for each archive, named by the hash of the archive. */
export const unpackedFolder = (home: string): string => join(home, 'unpacked')

const IS_HASH = /^[0-9a-f]{64}$/

/** The archives that are there in full, in no order. */
export async function listUnpackedArchives(home: string): Promise<UnpackedArchive[]> {
  const names = await readdir(unpackedFolder(home)).catch(() => [])
  const archives: UnpackedArchive[] = []
  for (const name of names.filter((each) => IS_HASH.test(each))) {
    const folder = join(unpackedFolder(home), name)
    const stats = await stat(folder).catch(() => undefined)
    if (stats?.isDirectory() !== true) continue
    // Not when it was read: that would be now, because it is measured here.
    archives.push({
      folder,
      usedAtMs: stats.mtimeMs,
      sizeBytes: await measureFolder(folder),
    })
  }
  return archives
}

/** Bytes of the files below a folder; 0 where there is none. */
export async function measureFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  let sizeBytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const stats = await lstat(join(entry.parentPath, entry.name)).catch(() => undefined)
    sizeBytes += stats?.size ?? 0
  }
  return sizeBytes
}

/** Notes that the archive that holds `path` was used now; any other path is left alone. */
export async function markUnpackedUsed(home: string, path: string): Promise<void> {
  const [name = ''] = relative(unpackedFolder(home), path).split(sep)
  if (!IS_HASH.test(name)) return
  const now = new Date()
  // A home that cannot be written to can still be read.
  await utimes(join(unpackedFolder(home), name), now, now).catch(() => {})
}

/** Removes an archive; a process that is killed meanwhile leaves nothing that looks whole. */
export async function removeUnpackedArchive({ folder }: UnpackedArchive): Promise<void> {
  // The name of one that is being unpacked: swept later where it stays behind.
  const doomed = `${folder}.unpacking-${randomBytes(6).toString('hex')}`
  await rename(folder, doomed)
  await rm(doomed, { recursive: true, force: true })
}
