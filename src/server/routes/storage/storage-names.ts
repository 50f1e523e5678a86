/** Names of buckets and of the files in them. */
import { VergerError } from '../../../core/errors.ts'

/** As `gs://` URIs hold them (https://cloud.google.com/storage/docs/buckets#naming). */
export function requireBucketName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name)) return
  throw new VergerError(
    'request_invalid',
    `Expected the name of a bucket, 3 characters or more of a-z, 0-9, -, _ and ., received ${JSON.stringify(name)}`,
  )
}

/** Bytes of a name, as Cloud Storage bounds them. */
const MAX_NAME_BYTES = 1024

/** A path that stays below a folder, since the files are laid into one when a version is made of them. */
export function requireObjectName(name: unknown): string {
  const isPath =
    typeof name === 'string' &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES &&
    !name.includes('\0') &&
    !name.includes('\\') &&
    name.split('/').every((each) => each !== '' && each !== '.' && each !== '..')
  if (isPath) return name
  throw new VergerError(
    'request_invalid',
    `Expected the name of a file, such as models/v1/saved_model.pb, received ${JSON.stringify(name)}`,
  )
}
