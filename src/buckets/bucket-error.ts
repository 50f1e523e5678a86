/** Errors of object storage in our words. */
import { VergerError } from '../core/errors.ts'
import type { Fault } from './object-client.ts'

interface Place {
  /** Of the bucket. */
  readonly url: string
  /** Of the object, or the prefix that was listed. */
  readonly key: string
}

/** A VergerError, and the reason of an abort, are given as they are. */
export function toBucketError(error: unknown, fault: Fault, { url, key }: Place): unknown {
  if (error instanceof VergerError) return error
  const path = `${url}/${key}`
  const received = error instanceof Error ? error.message || error.name : String(error)
  const options = { details: { url: path }, cause: error }
  switch (fault) {
    case 'missing':
    case 'beyond':
      return new VergerError('object_missing', `Expected an object at ${path}, found none`, {
        hint: 'Look at what the bucket holds; keys are case-sensitive.',
        ...options,
      })
    case 'bucket':
      return new VergerError('bucket_unknown', `Expected a bucket ${url}, found none`, {
        hint: 'Create the bucket first, or correct its name and its endpoint.',
        ...options,
      })
    case 'changed':
      return new VergerError(
        'object_changed',
        `Expected ${path} to stay as it is, it was replaced while it was read`,
        { hint: 'Run the command again once nobody writes there.', ...options },
      )
    case 'denied':
      return new VergerError('storage_denied', `Expected access to ${path}, received ${received}`, {
        hint: url.startsWith('s3:')
          ? 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to a key that may read and write there; AWS_ENDPOINT_URL_S3 for another server than that of Amazon.'
          : 'Set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account that may read and write there, or run gcloud auth application-default login.',
        ...options,
      })
    default:
      return new VergerError(
        'storage_unreachable',
        `Expected an answer for ${path}, received ${received}, at every try`,
        {
          hint: url.startsWith('s3:')
            ? 'Check the network and AWS_ENDPOINT_URL_S3, then run the command again.'
            : 'Check the network and STORAGE_EMULATOR_HOST, then run the command again.',
          ...options,
        },
      )
  }
}
