/** Tells what an archive is by its first bytes; its name says nothing. */
import { open } from 'node:fs/promises'
import { VergerError } from '../core/errors.ts'

export type ArchiveFormat = 'zip' | 'tar' | 'tar.gz'

const TAR_BLOCK = 512

/** Signatures of archives that people have and Verger does not read. */
const REFUSED: readonly (readonly [name: string, signature: readonly number[]])[] = [
  ['7z', [0x37, 0x7a, 0xbc, 0xaf]],
  ['RAR', [0x52, 0x61, 0x72, 0x21]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['Parquet', [0x50, 0x41, 0x52, 0x31]],
]

/** Throws `archive_invalid` where a file is none of the three. A `.gz` of something else is found when it is read. */
export async function readArchiveFormat(file: string): Promise<ArchiveFormat> {
  const start = await readStart(file)
  const startsWith = (bytes: readonly number[]) => bytes.every((byte, at) => start[at] === byte)
  // A local file header, or the end record of a zip without files.
  if (startsWith([0x50, 0x4b, 3, 4]) || startsWith([0x50, 0x4b, 5, 6])) return 'zip'
  if (startsWith([0x1f, 0x8b])) return 'tar.gz'
  if (isTarHeader(start)) return 'tar'
  const refused = REFUSED.find(([, signature]) => startsWith(signature))?.[0]
  throw new VergerError(
    'archive_invalid',
    `Expected a zip, tar or tar.gz archive at ${file}, received ${refused ?? describeStart(start)}`,
    { hint: 'Pack the photos anew as zip, or unpack them yourself and name the folder.' },
  )
}

async function readStart(file: string): Promise<Buffer> {
  const handle = await open(file).catch((cause: Error) => {
    throw new VergerError(
      'archive_invalid',
      `Expected an archive at ${file}, received ${cause.message}`,
      { hint: 'Check the path and that you may read the file.', cause },
    )
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAR_BLOCK))
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    const { message } = cause as Error
    throw new VergerError(
      'archive_invalid',
      `Expected an archive at ${file}, received ${message}`,
      {
        hint: 'Name the file of the archive, not a folder.',
        cause,
      },
    )
  } finally {
    await handle.close()
  }
}

/** A tar header carries the sum of its bytes, its own field counted as spaces (POSIX.1-1988 ustar and before). */
function isTarHeader(block: Buffer): boolean {
  if (block.length < TAR_BLOCK) return false
  const field = block.toString('latin1', 148, 156)
  const stated = Number.parseInt(field.replace(/[\0 ]+$/, '').trim(), 8)
  let sum = 0
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  return sum === stated
}

/** What a person needs in order to see what the file is: its text, or its bytes. */
export function describeStart(start: Buffer): string {
  if (start.length === 0) return 'an empty file'
  const text = start.toString('utf8', 0, 32).replace(/\s+/g, ' ').trim()
  return /^[\x20-\x7e]{4,}$/.test(text)
    ? `a file that starts with the text ${JSON.stringify(text)}`
    : `a file that starts with the bytes ${start.toString('hex', 0, 8)}`
}
