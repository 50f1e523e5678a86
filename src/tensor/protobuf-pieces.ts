/**
 * Protobuf messages in pieces: a large tensor is framed where it stands; it is not copied into the messages around it, and
 * not brought into its order before it is written. Wire format: https://protobuf.dev/programming-guides/encoding.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A run of bytes that is made when it is written. */
export interface Piece {
  readonly sizeBytes: number
  read(): Uint8Array
}

/** Bytes that are there already. */
export const piece = (bytes: Uint8Array): Piece => ({
  sizeBytes: bytes.length,
  read: () => bytes,
})

/** A field that holds a message, a text or bytes: its tag, its length below 2³², and what is in it. */
export function lengthDelimited(field: number, content: readonly Piece[]): Piece[] {
  const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(totalBytes(content))
  return [piece(head.finish()), ...content]
}

/** The length of pieces one after another. */
export const totalBytes = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** The bytes of pieces one after another. */
export function joinPieces(pieces: readonly Piece[]): Uint8Array {
  const joined = new Uint8Array(totalBytes(pieces))
  let end = 0
  for (const { sizeBytes, read } of pieces) {
    joined.set(read(), end)
    end += sizeBytes
  }
  return joined
}
