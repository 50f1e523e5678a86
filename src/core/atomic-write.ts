/** Files that are there in full or not at all, also after a killed process or a loss of power. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { VergerError } from './errors.ts'

/** Names of files that are being written: hidden, with the name of the file to be, and random. */
const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/

/** No write takes this long, so an older file belongs to a process that was killed. */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * Writes a file, or runs of bytes one after another, under another name, brings it to the disk, and gives it its own.
 * Returns once the file would survive a loss of power. The folder must exist. Throws `disk_full` or `write_failed` and then leaves nothing behind.
 *
 * @param options.temporaryFolder - where it lies until it is whole; on the file system of `path`, by default beside it
 * @param options.mode - who may read and write it, from its first byte on
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  {
    temporaryFolder = dirname(path),
    mode = 0o666,
  }: { readonly temporaryFolder?: string; readonly mode?: number } = {},
): Promise<void> {
  const temporary = join(temporaryFolder, temporaryName(basename(path)))
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      if (typeof data === 'string' || data instanceof Uint8Array) await file.writeFile(data)
      else for await (const bytes of data) await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw toWriteError(error, path)
  }
}

/** Creates a folder, and those above it, that survive a loss of power. Throws like `writeFileAtomic`. */
export async function createFolder(path: string, { mode = 0o777 } = {}): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode })
    if (first === undefined) return
    for (let folder = path; folder.length >= first.length; folder = dirname(folder)) {
      await syncFolder(dirname(folder))
    }
  } catch (error) {
    throw toWriteError(error, path)
  }
}

/**
 * Lets `fill` write a folder under another name beside `folder`, and gives it its own: it appears when it is whole.
 * Throws what `occupied` makes where something lies there already, else like `writeFileAtomic`; nothing is left behind then.
 */
export async function writeFolderAtomic(
  folder: string,
  fill: (temporary: string) => Promise<void>,
  occupied: (cause: unknown) => VergerError,
  mode = 0o755,
): Promise<void> {
  const parent = dirname(folder)
  await createFolder(parent)
  let temporary: string | undefined
  try {
    temporary = await mkdtemp(join(parent, `.${basename(folder)}.`))
    await fill(temporary)
    await chmod(temporary, mode)
    await rename(temporary, folder)
    await syncFolder(parent)
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true })
    const { code = '' } = error as NodeJS.ErrnoException
    throw OCCUPIED.includes(code) ? occupied(error) : toWriteError(error, folder)
  }
}

/** What renaming a folder onto something says. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR']

/** Brings the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders, and NTFS keeps its names in a journal.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Whether a name is that of a file that `writeFileAtomic` has not finished. */
export const isTemporaryName = (name: string): boolean => TEMPORARY.test(name)

/** Removes what killed processes left half written in a folder, once it is more than a day old. */
export async function removeStaleTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const name of names.filter(isTemporaryName)) {
    const path = join(folder, name)
    // Another process may remove it at the same time.
    const modifiedMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    if (modifiedMs !== undefined && Date.now() - modifiedMs > STALE_AFTER_MS) {
      await rm(path, { force: true })
    }
  }
}

const temporaryName = (name: string): string => `.${name}.${randomBytes(6).toString('hex')}.tmp`

const FULL = ['ENOSPC', 'EDQUOT']

/** Says in our words why a file could not be written; a VergerError is given as it is. */
export function toWriteError(error: unknown, path: string): VergerError {
  if (error instanceof VergerError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && FULL.includes(code)) {
    return new VergerError('disk_full', `Expected space to write ${path}, the disk is full`, {
      hint: 'Free some space and run the command again; nothing half-written was kept.',
      details: { path },
      cause: error,
    })
  }
  return new VergerError('write_failed', `Expected to write ${path}, received ${message}`, {
    hint: 'Check that the folder exists and that you may write to it.',
    details: { path },
    cause: error,
  })
}
