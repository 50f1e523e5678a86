/**
 * Keys of the slices of a partitioned variable: numbers and texts in a form whose bytes sort as they do
 * (tensorflow/core/lib/strings/ordered_code.h and util/saved_tensor_slice_util.cc).
 */

/** A part of an axis; `length` −1 spans it whole. */
export interface Extent {
  readonly start: number
  readonly length: number
}

/** The key of one slice, with one character for each byte. */
export function encodeSliceKey(name: string, extents: readonly Extent[]): string {
  const bytes = [
    ...unsigned(0),
    ...text(name),
    ...unsigned(extents.length),
    ...extents.flatMap(({ start, length }) => [...signed(start), ...signed(length)]),
  ]
  return String.fromCharCode(...bytes)
}

/** The count of bytes, then the bytes, the highest first. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [bytes.length, ...bytes]
}

/** 0 and 255 are followed by a byte that tells them from the end, which is 0 and 1. */
function text(value: string): number[] {
  const bytes = [...Buffer.from(value)].flatMap((byte) =>
    byte === 0 ? [0, 255] : byte === 255 ? [255, 0] : [byte],
  )
  return [...bytes, 0, 1]
}

/** In two's complement; as many bits at the front as there are bytes are the sign turned round. */
function signed(value: number): number[] {
  const magnitude = BigInt(value < 0 ? -value - 1 : value)
  let count = 1
  while (magnitude >> BigInt(7 * count - 1) > 0n) count++
  const bits = BigInt(8 * count)
  const header = ((1n << BigInt(count)) - 1n) << (bits - BigInt(count))
  const encoded = BigInt.asUintN(Number(bits), BigInt(value) ^ header)
  return Array.from({ length: count }, (_, at) =>
    Number((encoded >> BigInt(8 * (count - 1 - at))) & 255n),
  )
}
