import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { VergerError } from '../../core/errors.ts'

/** Bytes that are read by position, so that a large file is never held whole. */
export interface ByteSource {
  readonly sizeBytes: number
  /** The bytes at `offset`. Throws `model_invalid` where they do not all lie in the source. */
  read(offset: number, length: number): Uint8Array
}

/** Opens a file for `use` and closes it once its promise is settled. */
export async function withFile<Result>(
  path: string,
  use: (source: ByteSource) => Result | Promise<Result>,
): Promise<Result> {
  const file = openSync(path, 'r')
  try {
    return await use(sourceOfFile(file))
  } finally {
    closeSync(file)
  }
}

/** Opens a file for `use` and closes it afterwards. */
export function withFileSync<Result>(path: string, use: (source: ByteSource) => Result): Result {
  const file = openSync(path, 'r')
  try {
    return use(sourceOfFile(file))
  } finally {
    closeSync(file)
  }
}

function sourceOfFile(file: number): ByteSource {
  const sizeBytes = fstatSync(file).size
  const read = (offset: number, length: number): Uint8Array => {
    requireInside(sizeBytes, offset, length)
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, length - done, offset + done)
      if (count === 0) requireInside(offset + done, offset, length)
      done += count
    }
    return bytes
  }
  return { sizeBytes, read }
}

/** Bytes in memory; what is read is a view of them. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  const read = (offset: number, length: number): Uint8Array => {
    requireInside(bytes.length, offset, length)
    return bytes.subarray(offset, offset + length)
  }
  return { sizeBytes: bytes.length, read }
}

/** `length` bytes of a source from `offset` on. Throws `model_invalid` where they do not all lie in it. */
export function sliceSource(source: ByteSource, offset: number, length: number): ByteSource {
  requireInside(source.sizeBytes, offset, length)
  return {
    sizeBytes: length,
    read(from, count) {
      requireInside(length, from, count)
      return source.read(offset + from, count)
    },
  }
}

function requireInside(sizeBytes: number, offset: number, length: number): void {
  const counts = Number.isSafeInteger(offset) && Number.isSafeInteger(length)
  if (counts && offset >= 0 && length >= 0 && offset + length <= sizeBytes) return
  throw new VergerError(
    'model_invalid',
    `Expected ${length} bytes from byte ${offset} on, received a file of ${sizeBytes} bytes`,
    { hint: 'The file was cut short: copy or download it again.' },
  )
}
