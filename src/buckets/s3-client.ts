/**
 * S3 by Amazon's own SDK, and with it every server that speaks its protocol: endpoint (`AWS_ENDPOINT_URL_S3`), region
 * (`AWS_REGION`) and credentials come from where the SDK looks for them.
 */
import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { PART_BYTES } from './bucket.ts'
import { type Fault, isNetworkFault, judgeStatus, type ObjectClient } from './object-client.ts'

/** Pauses grow from 50 ms on average, so that about ten seconds without an answer are survived. */
const ATTEMPTS = 8
/** Waiting for one of the connections counts too. */
const CONNECT_MS = 15_000
/** Where nobody names one: Amazon then says where a bucket lies, and other servers do not mind. */
const DEFAULT_REGION = 'us-east-1'
/** Parts of uploads that nobody ended: of killed processes. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1000
const PARALLEL_PARTS = 4

export function createS3Client(Bucket: string, stallMs: number): ObjectClient {
  let loading: ReturnType<typeof load> | undefined
  const open = () => {
    loading ??= load(stallMs)
    return loading
  }

  return {
    async *list(Prefix) {
      const { sdk, client } = await open()
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket, Prefix })
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0, LastModified } of Contents) {
          yield { key: Key, sizeBytes: Size, modifiedAtMs: LastModified?.getTime() ?? 0 }
        }
      }
    },
    async stat(Key) {
      const { sdk, client } = await open()
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }))
      return {
        key: Key,
        sizeBytes: found.ContentLength ?? 0,
        modifiedAtMs: found.LastModified?.getTime() ?? 0,
        sha256: found.Metadata?.['sha256'],
      }
    },
    async hasBucket() {
      const { sdk, client } = await open()
      try {
        await client.send(new sdk.HeadBucketCommand({ Bucket }))
        return true
      } catch (error) {
        if (judge(error) === 'missing') return false
        throw error
      }
    },
    async open(Key, { start, end, version }) {
      const { sdk, client } = await open()
      const isWhole = start === 0 && end === undefined
      const found = await client.send(
        new sdk.GetObjectCommand({
          Bucket,
          Key,
          ...(isWhole ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
          ...(version === undefined ? {} : { IfMatch: version }),
        }),
      )
      return {
        body: found.Body as Readable,
        sizeBytes: found.ContentLength ?? 0,
        version: found.ETag ?? '',
      }
    },
    async put(Key, Body, sha256) {
      const { sdk, client } = await open()
      const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64')
      const Metadata = { sha256 }
      await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ChecksumSHA256, Metadata }))
    },
    async putStream(Key, read, { sha256, onProgress, signal }) {
      const [{ client }, { Upload }, { Readable }] = await Promise.all([
        open(),
        import('@aws-sdk/lib-storage'),
        import('node:stream'),
      ])
      await abortStaleUploads(Key)
      const upload = new Upload({
        client,
        params: {
          Bucket,
          Key,
          Body: Readable.from(read()),
          ChecksumAlgorithm: 'SHA256',
          Metadata: { sha256 },
        },
        partSize: PART_BYTES,
        queueSize: PARALLEL_PARTS,
      })
      upload.on('httpUploadProgress', ({ loaded = 0 }) => onProgress?.(loaded))
      const abort = () => void upload.abort()
      signal?.addEventListener('abort', abort, { once: true })
      try {
        signal?.throwIfAborted()
        await upload.done()
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    async touch(Key) {
      const { sdk, client } = await open()
      const ask = () => client.send(new sdk.HeadObjectCommand({ Bucket, Key }))
      const before = await ask()
      const CopySource = `${Bucket}/${encodeURIComponent(Key)}`
      const { Metadata } = before
      // Only a copy that replaces something may have itself for a source; some servers then keep the time.
      await client.send(
        new sdk.CopyObjectCommand({
          Bucket,
          Key,
          CopySource,
          MetadataDirective: 'REPLACE',
          Metadata,
        }),
      )
      return Number((await ask()).LastModified) > Number(before.LastModified)
    },
    async delete(Key) {
      const { sdk, client } = await open()
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))
    },
    judge,
  }

  /** The parts of an upload whose process was killed are invisible, but kept and charged for. */
  async function abortStaleUploads(Key: string): Promise<void> {
    const { sdk, client } = await open()
    const { Uploads = [] } = await client.send(
      new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key }),
    )
    for (const { Key: key, UploadId, Initiated } of Uploads) {
      if (Date.now() - (Initiated?.getTime() ?? Date.now()) < STALE_UPLOAD_MS) continue
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: key, UploadId }))
    }
  }
}

async function load(
  stallMs: number,
): Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3')
  const options = {
    // A bucket as part of the host name needs DNS that servers of one's own seldom have.
    forcePathStyle: true,
    followRegionRedirects: true,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: stallMs },
  }
  const client = quietly(() => new sdk.S3Client(options))
  const hasRegion = await client.config.region().then(
    () => true,
    () => false,
  )
  return {
    sdk,
    client: hasRegion ? client : new sdk.S3Client({ ...options, region: DEFAULT_REGION }),
  }
}

/** The SDK warns whoever starts it on Node.js 20; its version is pinned to one that runs there. */
function quietly<Result>(make: () => Result): Result {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return make()
  } finally {
    process.emitWarning = emitWarning
  }
}

function judge(error: unknown): Fault {
  if (!(error instanceof Error)) return 'other'
  const { name, $metadata } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  if (name === 'NoSuchBucket') return 'missing'
  if (['CredentialsProviderError', 'ExpiredToken', 'InvalidAccessKeyId'].includes(name)) {
    return 'denied'
  }
  if (name === 'TimeoutError' || isNetworkFault(error)) return 'transient'
  return judgeStatus($metadata?.httpStatusCode)
}
