/** Checksums of downloads that have no published one, recorded at first use: `checksums.json`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { withLock } from './file-lock.ts'

export interface RecordedChecksum {
  readonly sha256: string
  readonly sizeBytes: number
  /** ISO 8601. */
  readonly recordedAt: string
}

type ChecksumRecord = { readonly [url: string]: RecordedChecksum }

const fileIn = (folder: string): string => join(folder, 'checksums.json')

/** What was recorded for a URL. Throws `cache_unreadable` where the file is damaged. */
export async function readChecksum(
  folder: string,
  url: string,
): Promise<RecordedChecksum | undefined> {
  const record = await readRecord(folder)
  return Object.hasOwn(record, url) ? record[url] : undefined
}

export async function recordChecksum(
  folder: string,
  url: string,
  checksum: RecordedChecksum,
): Promise<void> {
  const file = fileIn(folder)
  await withLock(`${file}.lock`, async () => {
    const record = { ...(await readRecord(folder)), [url]: checksum }
    await writeFileAtomic(file, `${JSON.stringify(record, null, 2)}\n`)
  })
}

async function readRecord(folder: string): Promise<ChecksumRecord> {
  const file = fileIn(folder)
  try {
    const record: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof record === 'object' && record !== null) return record as ChecksumRecord
    throw new Error('no object')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new VergerError(
      'cache_unreadable',
      `Expected recorded checksums in ${file}, received ${(error as Error).message}`,
      {
        hint: 'Remove the file: the checksums of the next downloads are recorded anew.',
        cause: error,
      },
    )
  }
}
