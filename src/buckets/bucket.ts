/**
 * A bucket of object storage: what blob stores, sources of versions and publishing need of it. S3 and Google Cloud
 * Storage pass one suite (test/servers/bucket.test.ts).
 */

export interface BucketObject {
  readonly key: string
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number
}

export interface KnownObject extends BucketObject {
  /** What `put` or `putFile` said about it; absent where somebody else put it there. */
  readonly sha256: string | undefined
}

/** Places of the first byte and of the last one, which is part of the range. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface PutFileOptions {
  /** Hash of the file; nothing becomes visible where its bytes have another. */
  readonly sha256: string
  readonly onProgress?: ((doneBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Every operation tries again, with growing pauses, where the network or the server fails for a moment, and then throws
 * `storage_unreachable`; `storage_denied` where the credentials are missing or do not suffice; `bucket_unknown`.
 */
export interface Bucket {
  /** `s3://name` or `gs://name`, for messages. */
  readonly url: string
  /** Objects whose key starts with a prefix. */
  list(prefix: string): AsyncIterable<BucketObject>
  /** Undefined where there is no such object. */
  stat(key: string): Promise<KnownObject | undefined>
  /**
   * Reads an object piece by piece; where the connection is cut or falls silent, from the place where it ended. Bytes
   * beyond the end are left out. Throws `object_missing`, and `object_changed` where somebody replaced it meanwhile.
   */
  read(key: string, range?: ByteRange): AsyncIterable<Uint8Array>
  /** Puts an object in place of any other; it is visible when it is whole, and the server has compared its checksum. */
  put(key: string, bytes: Uint8Array, options: { readonly sha256: string }): Promise<void>
  /** The same with a file, in parts where it is large. Throws `blob_damaged` where it is not what it is said to be. */
  putFile(key: string, path: string, options: PutFileOptions): Promise<void>
  /** Makes an object that is there as new as one that was put now; gives false where the server cannot. */
  touch(key: string): Promise<boolean>
  /** One that is not there is no error. */
  delete(key: string): Promise<void>
}

/** Above this, objects go in parts of this size, each of which can be sent again. */
export const PART_BYTES = 8 * 1024 * 1024
