/** Bodies of uploads, which arrive unread. */
import { Readable } from 'node:stream'
import { VergerError } from '../../../core/errors.ts'
import type { Holding } from '../../admission.ts'

export const piecesOf = (body: unknown): AsyncIterable<Uint8Array> =>
  body instanceof Readable ? body : Readable.from([])

/** Reads a body into memory, which counts it. Throws `overloaded`. */
export async function readAll(body: unknown, holding: Holding): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(body)) {
    holding.take(piece.length)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Reads a body to its end and drops it. */
export async function drain(body: unknown): Promise<void> {
  for await (const _piece of piecesOf(body));
}

/** Characters of a body that a message repeats. */
const MAX_SAID = 100

/** What a JSON body says; nothing where it is empty. Throws `request_invalid`. */
export async function readMetadata(
  body: unknown,
  holding: Holding,
): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readAll(body, holding)).toString()
  try {
    const metadata: unknown = JSON.parse(text === '' ? '{}' : text)
    if (typeof metadata === 'object' && metadata !== null) return { ...metadata }
  } catch {
    // Told below.
  }
  throw new VergerError(
    'request_invalid',
    `Expected a JSON object that describes the file, received ${JSON.stringify(text.slice(0, MAX_SAID))}`,
  )
}
