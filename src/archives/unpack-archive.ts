/** Unpacks an archive that nobody vouches for: everything lands below one folder, in full or not at all. */
import { randomBytes } from 'node:crypto'
import {
  link,
  lstat,
  mkdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, posix, resolve, sep } from 'node:path'
import { createFolder, toWriteError } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { type ArchiveEntry, safePath, unsafe } from './archive-entry.ts'
import { readArchiveFormat } from './archive-format.ts'
import { readTar } from './read-tar.ts'
import { readZip, readZipTotals } from './read-zip.ts'

export interface UnpackOptions {
  /** Most bytes that may be unpacked; by default what the disk has free. */
  readonly maxBytes?: number
  /** Bytes of the archive read so far, and all of them. */
  readonly onProgress?: (done: number, total?: number) => void
  readonly signal?: AbortSignal
}

/** Photos hardly shrink in an archive; text shrinks tenfold, and only a bomb hundredfold. */
const MAX_RATIO = 100
/** Below this much a ratio says nothing. */
const RATIO_FREE_BYTES = 64 * 1024 * 1024
/** Names alone can fill a disk: ImageNet has 1.3 million photos. */
const MAX_ENTRIES = 3_000_000
/** Space that is left for others. */
const RESERVE_BYTES = 64 * 1024 * 1024

/**
 * Unpacks a zip, tar or tar.gz, told by its first bytes, into `folder`, which must not exist or be empty. Until all of it
 * is there and checked it lies in a folder beside, named like `folder` with `.unpacking-` and random letters behind; a
 * killed process leaves that one.
 *
 * Modes, owners and times are not taken over. Links may lead anywhere inside. Throws `archive_invalid` (damaged,
 * encrypted, unknown), `archive_unsafe` (leads outside, devices, bombs), `disk_full` or `write_failed`, or the reason
 * of `signal`, and then leaves nothing behind.
 */
export async function unpackArchive(
  file: string,
  folder: string,
  options: UnpackOptions = {},
): Promise<void> {
  const format = await readArchiveFormat(file)
  const parent = dirname(resolve(folder))
  await createFolder(parent)
  const temporary = join(parent, `${basename(folder)}.unpacking-${randomBytes(6).toString('hex')}`)
  try {
    const limits = await readLimits(file, parent, options)
    if (format === 'zip') checkTotals(await readZipTotals(file), limits)
    const entries = format === 'zip' ? readZip(file) : readTar(file, format === 'tar.gz')
    await mkdir(temporary)
    await writeEntries(entries, temporary, limits, options)
    options.signal?.throwIfAborted()
    await rename(temporary, folder)
  } catch (error) {
    // A write that was under way may still add a file.
    await rm(temporary, { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
    throw options.signal?.aborted === true
      ? options.signal.reason
      : toUnpackError(error, file, folder)
  }
}

interface Limits {
  readonly archive: string
  readonly archiveBytes: number
  readonly maxBytes: number
  readonly freeBytes: number
}

async function readLimits(
  archive: string,
  parent: string,
  { maxBytes = Number.POSITIVE_INFINITY }: UnpackOptions,
): Promise<Limits> {
  const { bavail, bsize } = await statfs(parent)
  const freeBytes = Math.max(0, bavail * bsize - RESERVE_BYTES)
  return { archive, archiveBytes: (await stat(archive)).size, maxBytes, freeBytes }
}

function checkTotals(
  { entries, unpackedBytes }: { readonly entries: number; readonly unpackedBytes: number },
  { archive, archiveBytes, maxBytes, freeBytes }: Limits,
): void {
  if (entries > MAX_ENTRIES) throw unsafe(archive, `more than ${MAX_ENTRIES} entries`)
  if (unpackedBytes > maxBytes) throw unsafe(archive, `more than ${maxBytes} bytes once unpacked`)
  if (unpackedBytes > RATIO_FREE_BYTES && unpackedBytes > archiveBytes * MAX_RATIO) {
    throw unsafe(archive, `${archiveBytes} bytes that unpack to ${unpackedBytes} or more`)
  }
  if (unpackedBytes > freeBytes) {
    throw new VergerError(
      'disk_full',
      `Expected at least ${unpackedBytes} bytes of free space to unpack ${archive}, the disk has ${freeBytes} to give`,
      { hint: 'Free some space, or set VERGER_HOME to a folder on a larger disk.' },
    )
  }
}

async function writeEntries(
  entries: AsyncIterable<ArchiveEntry>,
  root: string,
  limits: Limits,
  { onProgress, signal }: UnpackOptions,
): Promise<void> {
  const made = new Set<string>()
  const links: { readonly path: string; readonly target: string }[] = []
  let count = 0
  let unpackedBytes = 0
  for await (const entry of entries) {
    signal?.throwIfAborted()
    if (entry.kind === 'other') throw unsafe(entry.path, entry.what)
    const path = safePath(entry.path)
    unpackedBytes += entry.kind === 'file' ? entry.sizeBytes : 0
    checkTotals({ entries: ++count, unpackedBytes }, limits)
    if (entry.kind === 'folder') await makeFolder(root, path, made)
    else {
      if (path === '') throw unsafe(entry.path, 'a file in place of the folder itself')
      await makeFolder(root, posix.dirname(path), made)
      // Written last, so that nothing is ever written through one.
      if (entry.kind === 'symbolic-link') links.push({ path, target: entry.target })
      else if (entry.kind === 'hard-link') {
        await linkFile(root, path, safePath(entry.target))
      } else if (entry.kind === 'file') {
        await writeFile(join(root, path), await entry.open(), { flag: 'wx' })
      }
    }
    onProgress?.(Math.min(entry.readBytes, limits.archiveBytes), limits.archiveBytes)
  }
  for (const { path, target } of links) await symlink(target, join(root, path))
  await checkLinks(root, links)
  onProgress?.(limits.archiveBytes, limits.archiveBytes)
}

async function makeFolder(root: string, path: string, made: Set<string>): Promise<void> {
  if (made.has(path)) return
  await mkdir(join(root, path), { recursive: true })
  made.add(path)
}

async function linkFile(root: string, path: string, target: string): Promise<void> {
  const stats = await lstat(join(root, target)).catch(() => undefined)
  if (stats?.isFile() !== true) throw new Error(`${path} is a link to ${target}, which is no file`)
  await link(join(root, target), join(root, path))
}

/** Where a link leads is known only once all are there: each may go through others. */
async function checkLinks(
  root: string,
  links: readonly { readonly path: string; readonly target: string }[],
): Promise<void> {
  const inside = await realpath(root)
  for (const { path, target } of links) {
    const end = await realpath(join(root, path)).catch((cause: Error) => {
      throw unsafe(`${path} → ${target}`, 'a link that leads nowhere', cause)
    })
    if (target.startsWith('/') || (end !== inside && !end.startsWith(inside + sep))) {
      throw unsafe(`${path} → ${target}`, 'a link that leads outside')
    }
  }
}

/** Codes of errors that concern the disk; everything else is the fault of the archive. */
const DISK_CODES = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']

function toUnpackError(error: unknown, file: string, folder: string): VergerError {
  if (error instanceof VergerError) return error
  const { code = '', message, syscall } = error as NodeJS.ErrnoException
  if (DISK_CODES.includes(code) || syscall === 'rename') return toWriteError(error, folder)
  const reason = code === 'EEXIST' ? `two entries of one name (${message})` : message
  return new VergerError(
    'archive_invalid',
    `Expected a whole archive at ${file}, received ${reason}`,
    { hint: 'The archive is damaged: copy or download it again.', cause: error },
  )
}
