/** One thing in an archive, whatever its format, and the rules for its path. */
import type { Readable } from 'node:stream'
import { VergerError } from '../core/errors.ts'

export type ArchiveEntry = {
  /** As the archive has it; `safePath` makes it one below the folder. */
  readonly path: string
  /** Bytes of the archive that were read once this entry is done. */
  readonly readBytes: number
} & (
  | { readonly kind: 'folder' }
  | {
      readonly kind: 'file'
      /** Size once unpacked, as the archive states it. */
      readonly sizeBytes: number
      /** Content; fails where it does not match its size or checksum. Must be read before the next entry is asked for. */
      open(): Promise<AsyncIterable<Uint8Array> & Pick<Readable, 'destroy'>>
    }
  /** Symbolic: relative to the folder of `path`. Hard: relative to the root of the archive. */
  | { readonly kind: 'symbolic-link' | 'hard-link'; readonly target: string }
  | { readonly kind: 'other'; readonly what: string }
)

/** Deeper paths are made by attackers, not by people. */
const MAX_DEPTH = 100

/** A path with `/` between its parts that stays below the root; '' for the root. Throws `archive_unsafe`. */
export function safePath(path: string): string {
  const parts = path.split(/[\\/]/)
  if (/^([\\/]|[a-z]:)/i.test(path)) throw unsafe(path, 'a path that is absolute')
  if (parts.includes('..')) throw unsafe(path, 'a path that climbs out of its folder')
  if (path.includes('\0')) throw unsafe(path, 'a path with a NUL in it')
  const named = parts.filter((part) => part !== '' && part !== '.')
  if (named.length > MAX_DEPTH) throw unsafe(`${path.slice(0, 40)}…`, 'a path of extreme depth')
  return named.join('/')
}

export function unsafe(subject: string, received: string, cause?: unknown): VergerError {
  return new VergerError(
    'archive_unsafe',
    `Expected an archive that stays in its folder, received ${received}: ${subject}`,
    {
      hint: 'Nothing was unpacked. Do not trust this archive; ask whoever made it.',
      details: { subject },
      cause,
    },
  )
}
