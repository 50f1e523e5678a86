/** Floating-point numbers as files store them, decoded to float32. */
import { decodeFloat16 } from './float16.ts'

/** Bytes of one number, by type. */
export const FLOAT_SIZES = { float64: 8, float32: 4, float16: 2, bfloat16: 2 } as const
export type FloatType = keyof typeof FLOAT_SIZES

/**
 * Decodes little-endian numbers; bytes behind the last whole number are left out. Float32 that lies at a multiple of
 * four is a view of `bytes`, all else a copy.
 */
export function decodeFloats(type: FloatType, bytes: Uint8Array): Float32Array {
  const size = FLOAT_SIZES[type]
  const count = Math.floor(bytes.length / size)
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes)
  const place = [aligned.buffer, aligned.byteOffset, count] as const
  switch (type) {
    case 'float32':
      return new Float32Array(...place)
    case 'float64':
      return Float32Array.from(new Float64Array(...place))
    case 'float16':
      return decodeFloat16(new Uint16Array(...place))
    case 'bfloat16':
      return decodeBfloat16(new Uint16Array(...place))
  }
}

/** A bfloat16 is the upper half of a float32. */
function decodeBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return new Float32Array(bits.buffer)
}
