/** What can be wrong with a blob, wherever it lies. */
import { VergerError } from '../core/errors.ts'

const REGISTER_AGAIN = 'Register the version again from its bundle, or restore a backup.'

/** @param place - path or address where it should be */
export function missingBlob(
  sha256: string,
  place: string,
  found: string,
  cause: unknown,
): VergerError {
  return new VergerError('blob_missing', `Expected a stored file at ${place}, found ${found}`, {
    hint: REGISTER_AGAIN,
    details: { sha256, path: place },
    cause,
  })
}

export function damagedBlob(sha256: string, place: string): VergerError {
  return new VergerError(
    'blob_damaged',
    `Expected bytes with the SHA-256 that their name says in ${place}, found others`,
    { hint: REGISTER_AGAIN, details: { sha256, path: place } },
  )
}
