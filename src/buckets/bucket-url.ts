/** Addresses of buckets: `s3://bucket/prefix` and `gs://bucket/prefix`. */
import { VergerError } from '../core/errors.ts'

const SCHEMES = ['s3', 'gs'] as const
export type BucketScheme = (typeof SCHEMES)[number]

export interface BucketUrl {
  readonly scheme: BucketScheme
  readonly bucket: string
  /** Without slashes around it; empty for the bucket itself. */
  readonly prefix: string
}

/** The rules that S3 and Google share: 3 to 63 letters, digits, dots, dashes; Google takes underscores and longer ones. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/

/** Throws `bucket_url_invalid`. */
export function parseBucketUrl(text: string): BucketUrl {
  const [, scheme, bucket = '', path = ''] = /^([a-z0-9]+):\/\/([^/]*)(.*)$/.exec(text) ?? []
  const known = SCHEMES.find((each) => each === scheme)
  const prefix = path.replace(/^\/+|\/+$/g, '')
  const isFine = !/[?#]|\/\/|(^|\/)\.{1,2}(\/|$)/.test(prefix)
  if (known !== undefined && BUCKET.test(bucket) && isFine) {
    return { scheme: known, bucket, prefix }
  }
  throw new VergerError(
    'bucket_url_invalid',
    `Expected ${SCHEMES.map((each) => `${each}://bucket/prefix`).join(' or ')}, received ${JSON.stringify(text)}`,
    {
      hint: 'A bucket has 3 or more lower-case letters, digits, dots and dashes; a prefix has no empty parts, no . or .. among them, no ? and no #.',
    },
  )
}
