/** Holds a photo against the hash that it had when its dataset was scanned. */
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'

/** What is computed under a photo's hash must come from the bytes that have it. Throws `photo_changed`. */
export function checkUnchanged(
  photo: string | Uint8Array,
  bytes: Uint8Array,
  wanted: string,
): void {
  if (sha256(bytes) === wanted) return
  throw new VergerError(
    'photo_changed',
    `Expected the photo as it was when the dataset was scanned, received other bytes at ${typeof photo === 'string' ? photo : 'an upload'}`,
    { hint: 'Run the command again; it scans the dataset anew.' },
  )
}
