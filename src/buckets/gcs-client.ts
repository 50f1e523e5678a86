/**
 * Google Cloud Storage by Google's own library, with the application default credentials; `STORAGE_EMULATOR_HOST` names a
 * server of one's own.
 */
import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import type { File, FileMetadata, Bucket as GcsBucket } from '@google-cloud/storage'
import { EnvHttpProxyAgent, request } from 'undici'
import { type KnownObject, PART_BYTES, type PutFileOptions } from './bucket.ts'
import { type Fault, isNetworkFault, judgeStatus, type ObjectClient } from './object-client.ts'
import { retrying } from './retrying.ts'

/** Characters of an answer that a message repeats. */
const MAX_SAID = 200
/** No line is slower: a request that carries bytes may take as much longer. */
const SLOWEST_BYTES_PER_MS = 50

export function createGcsClient(name: string, stallMs: number): ObjectClient {
  let loading: Promise<GcsBucket> | undefined
  // Google's own streams do not tell when a connection is cut.
  const dispatcher = new EnvHttpProxyAgent()
  const open = () => {
    loading ??= load(name, stallMs)
    return loading
  }
  const again = <Result>(work: (bucket: GcsBucket) => Promise<Result>): Promise<Result> =>
    retrying(
      async () => work(await open()),
      (error) => judge(error) === 'transient',
    )

  return {
    async *list(prefix) {
      let pageToken: string | undefined
      do {
        const query = {
          prefix,
          autoPaginate: false,
          ...(pageToken === undefined ? {} : { pageToken }),
        }
        const [files, next] = await again((bucket) => bucket.getFiles(query))
        for (const { name: key, metadata } of files) yield toObject(key, metadata)
        pageToken = (next as { readonly pageToken?: string } | null)?.pageToken
      } while (pageToken !== undefined)
    },
    stat: (key) =>
      again(async (bucket) => {
        const [metadata] = await bucket.file(key).getMetadata()
        return toObject(key, metadata)
      }),
    async hasBucket() {
      try {
        // Whoever may use objects may list them, but need not be allowed to ask for the bucket itself.
        await again((bucket) => bucket.getFiles({ maxResults: 1, autoPaginate: false }))
        return true
      } catch (error) {
        if (judge(error) === 'missing') return false
        throw error
      }
    },
    async open(key, { start, end, version }) {
      const { storage } = await open()
      const url = new URL(`${storage.baseUrl}/b/${name}/o/${encodeURIComponent(key)}?alt=media`)
      if (version !== undefined) url.searchParams.set('generation', version)
      const isPart = start > 0 || end !== undefined
      const { statusCode, headers, body } = await request(url, {
        ...{ dispatcher, headersTimeout: stallMs, bodyTimeout: stallMs },
        headers: {
          ...(storage.customEndpoint ? {} : await storage.authClient.getRequestHeaders(url.href)),
          // The bytes as they are stored.
          'accept-encoding': 'gzip',
          ...(isPart ? { range: `bytes=${start}-${end ?? ''}` } : {}),
        },
      })
      if (statusCode !== 200 && statusCode !== 206) {
        const said = (await body.text()).slice(0, MAX_SAID)
        // What was replaced is not there any more.
        const status = statusCode === 404 && version !== undefined ? 412 : statusCode
        throw Object.assign(new Error(said || `the status ${statusCode}`), { status })
      }
      return {
        body,
        sizeBytes: Number(headers['content-length']),
        version: String(headers['x-goog-generation'] ?? version ?? ''),
      }
    },
    put: (key, bytes, sha256) =>
      again((bucket) =>
        bucket.file(key).save(Buffer.from(bytes), {
          resumable: false,
          validation: false,
          timeout: stallMs + bytes.length / SLOWEST_BYTES_PER_MS,
          metadata: {
            // The server compares it before it shows the object.
            md5Hash: createHash('md5').update(bytes).digest('base64'),
            metadata: { sha256 },
          },
        }),
      ),
    putStream: (key, read, options) =>
      again((bucket) => putParts(bucket.file(key), read(), { ...options, stallMs })),
    async touch(key) {
      await again((bucket) => bucket.file(key).copy(bucket.file(key)))
      return true
    },
    delete: (key) =>
      again(async (bucket) => {
        await bucket.file(key).delete({ ignoreNotFound: true })
      }),
    judge,
  }
}

interface PutPartsOptions extends PutFileOptions {
  readonly stallMs: number
}

/** Nothing is visible before the last part, and the server compares the checksum of all then. */
async function putParts(
  file: File,
  bytes: AsyncIterable<Uint8Array>,
  { sha256, onProgress, signal, stallMs }: PutPartsOptions,
): Promise<void> {
  const target = file.createWriteStream({
    resumable: true,
    chunkSize: PART_BYTES,
    validation: 'md5',
    metadata: { metadata: { sha256 } },
  })
  // The library waits for ever.
  const timer = setTimeout(() => {
    const message = `no progress for ${stallMs / 1000} s`
    target.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
  }, stallMs)
  target.on('progress', ({ bytesWritten }: { readonly bytesWritten: number }) => {
    timer.refresh()
    onProgress?.(bytesWritten)
  })
  try {
    await pipeline(bytes, target, signal === undefined ? {} : { signal })
  } finally {
    clearTimeout(timer)
  }
}

async function load(name: string, stallMs: number): Promise<GcsBucket> {
  const { Storage } = await import('@google-cloud/storage')
  // Its own retries know few faults of the network and pause for seconds.
  const retryOptions = { autoRetry: false, retryableErrorFn: () => false }
  const storage = new Storage({ timeout: stallMs, retryOptions })
  // For STORAGE_EMULATOR_HOST, as every other library of Google takes it, this one forgets the path.
  storage.baseUrl = `${storage.apiEndpoint}/storage/v1`
  return storage.bucket(name)
}

function toObject(key: string, { size, updated, metadata }: FileMetadata): KnownObject {
  const sha256 = metadata?.['sha256']
  return {
    key,
    sizeBytes: Number(size),
    modifiedAtMs: Date.parse(updated ?? ''),
    sha256: typeof sha256 === 'string' ? sha256 : undefined,
  }
}

function judge(error: unknown): Fault {
  if (!(error instanceof Error)) return 'other'
  const { code, status, type } = error as Error & {
    readonly code?: number | string
    readonly status?: number
    readonly type?: string
  }
  if (type === 'request-timeout' || type === 'body-timeout' || isNetworkFault(error)) {
    return 'transient'
  }
  if (/default credentials|invalid_grant|invalid_rapt/.test(error.message)) return 'denied'
  return judgeStatus(status ?? Number(code))
}
