/** Space on the disk, looked at before it is needed. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { VergerError } from '../core/errors.ts'

/** Space that is left for others. */
const RESERVE_BYTES = 64 * 1024 * 1024

/** Bytes that may be written to a folder, which need not exist yet. */
export async function readFreeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return Math.max(0, bavail * bsize - RESERVE_BYTES)
  } catch (error) {
    const above = dirname(folder)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error
    return readFreeBytes(above)
  }
}

/** Throws `disk_full` where less is free than is needed. */
export async function checkFreeSpace(
  folder: string,
  neededBytes: number,
  purpose: string,
): Promise<void> {
  const freeBytes = await readFreeBytes(folder)
  if (neededBytes <= freeBytes) return
  throw new VergerError(
    'disk_full',
    `Expected ${neededBytes} bytes of free space to ${purpose}, the disk of ${folder} has ${freeBytes} to give`,
    {
      hint: 'Free some space, or set VERGER_HOME to a folder on a larger disk.',
      details: { neededBytes, freeBytes },
    },
  )
}
