/** What a library of object storage does for a bucket: each call with the library's own retries, and its own errors. */
import type { Readable } from 'node:stream'
import type { BucketObject, KnownObject, PutFileOptions } from './bucket.ts'

export interface OpenedObject {
  readonly body: Readable
  /** Bytes that the body should have. */
  readonly sizeBytes: number
  /** Names these bytes: another object under the same key has another one. */
  readonly version: string
}

export interface OpenOptions {
  readonly start: number
  /** Place of the last byte; undefined for the end of the object. */
  readonly end: number | undefined
  /** Fails as `changed` where the object is another one by now. */
  readonly version: string | undefined
}

/** What an error of a library means. */
export type Fault =
  | 'missing'
  | 'bucket'
  | 'denied'
  | 'changed'
  /** The range starts beyond the end. */
  | 'beyond'
  /** May be gone when it is tried again. */
  | 'transient'
  | 'other'

export interface ObjectClient {
  list(prefix: string): AsyncIterable<BucketObject>
  /** Fails as `missing` where the object is. */
  stat(key: string): Promise<KnownObject>
  /** False where the server says that there is no such bucket; fails as `denied` where it does not tell. */
  hasBucket(): Promise<boolean>
  open(key: string, options: OpenOptions): Promise<OpenedObject>
  put(key: string, bytes: Uint8Array, sha256: string): Promise<void>
  /** `read` reads the file from its start, and throws at its end where it is not what it should be. */
  putStream(
    key: string,
    read: () => AsyncIterable<Uint8Array>,
    options: PutFileOptions,
  ): Promise<void>
  /** False where the server has kept the time of the object. */
  touch(key: string): Promise<boolean>
  delete(key: string): Promise<void>
  /** For errors of this library. */
  judge(error: unknown): Fault
}

/** How long a server may be silent by default. */
export const STALL_MS = 30_000

/** Node.js's names of what may be gone at the next try. */
const NETWORK_FAULTS = [
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]

/** Those of undici: timeouts, and sockets that the other side closed. */
const UNDICI = /^UND_ERR_(SOCKET|\w+_TIMEOUT)$/

/** Whether an error, or what caused it, is one of the network. */
export function isNetworkFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  const isFault = code !== undefined && (NETWORK_FAULTS.includes(code) || UNDICI.test(String(code)))
  return isFault || isNetworkFault(error.cause)
}

/** What an HTTP status means where the error says nothing more exact. */
export function judgeStatus(status: number | undefined): Fault {
  switch (status) {
    case 401:
    case 403:
      return 'denied'
    case 404:
      return 'missing'
    case 412:
      return 'changed'
    case 416:
      return 'beyond'
    case 408:
    case 429:
      return 'transient'
    default:
      return status !== undefined && status >= 500 ? 'transient' : 'other'
  }
}
