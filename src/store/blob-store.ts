/** Bytes by their hash. Every implementation passes the suite in test/contract/blob-store-suite.ts. */
import type { ByteRange } from '../buckets/bucket.ts'

export interface BlobEntry {
  readonly sha256: string
  readonly sizeBytes: number
  /** When it was last put, in milliseconds since 1970: what was put just now may not be referenced yet. */
  readonly putAtMs: number
}

export interface BlobStore {
  /** Keeps bytes and gives their SHA-256 once they would survive a loss of power. Putting them again repairs them. */
  put(bytes: Uint8Array): Promise<string>
  /**
   * Keeps the bytes of a file like `put`, without holding them in memory.
   *
   * @param options.sha256 - hash that the file is known to have; spares reading it twice. Throws `blob_damaged` where it
   * has another, and keeps nothing then.
   */
  putFile(path: string, options?: { readonly sha256?: string }): Promise<string>
  /** Reads bytes and verifies them. Throws `blob_missing` or `blob_damaged`. */
  get(sha256: string): Promise<Uint8Array>
  /**
   * Reads a blob piece by piece and throws `blob_damaged` behind the last piece where it is not what it should be; a
   * part of a blob cannot be verified. Throws `blob_missing` at the first piece.
   */
  openRead(sha256: string, options?: { readonly range?: ByteRange }): AsyncIterable<Uint8Array>
  has(sha256: string): Promise<boolean>
  /** All blobs, in no order; what is half written is never among them. */
  list(): AsyncIterable<BlobEntry>
  /** Removes a blob; one that is not there is no error. */
  delete(sha256: string): Promise<void>
}
