/** Runs of bytes that are held against their hash while they pass. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { VergerError } from './errors.ts'

/** Passes bytes on, and throws what `differs` makes behind the last ones where their hash is another one. */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  sha256: string,
  differs: (received: string) => VergerError,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const piece of bytes) {
    hash.update(piece)
    yield piece
  }
  const received = hash.digest('hex')
  if (received !== sha256) throw differs(received)
}

/** The bytes of a file that is known to have a hash. Throws `blob_damaged` behind the last ones where it has another. */
export function readFileAs(path: string, sha256: string): AsyncGenerator<Uint8Array> {
  const bytes = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  return verified(bytes, sha256, (received) => fileDiffers(path, sha256, received))
}

const CHUNK_BYTES = 256 * 1024

export function fileDiffers(path: string, sha256: string, received: string): VergerError {
  return new VergerError(
    'blob_damaged',
    `Expected SHA-256 ${sha256} for ${path}, received ${received}`,
    {
      hint: 'The file was changed or damaged: make it or get it again.',
      details: { path, sha256, received },
    },
  )
}
