/**
 * Tensors of the Open Inference Protocol: shapes, and values as bytes without padding, little-endian
 * (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md). BYTES elements
 * stand behind their length as 32 bits.
 */
import { endianness } from 'node:os'
import { VergerError } from '../../core/errors.ts'
import { showValue } from '../show-value.ts'

/** Types of numbers that pixels may have; what any of them holds must be a level, 0 to 255. */
export const LEVEL_TYPES = ['UINT8', 'INT32', 'INT64', 'FP32', 'FP64'] as const
export type LevelType = (typeof LEVEL_TYPES)[number]
export type Datatype = LevelType | 'BYTES'

const ARRAYS = {
  UINT8: Uint8Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const

const LENGTH_BYTES = 4

/** Throws `request_invalid` where a dimension is no count, or all together are beyond what a number can say. */
export function countElements(shape: readonly number[], place: string): number {
  const count = shape.reduce((product, size) => product * size, 1)
  if (shape.every((size) => Number.isSafeInteger(size) && size >= 0) && Number.isSafeInteger(count))
    return count
  throw new VergerError(
    'request_invalid',
    `Expected whole numbers from 0 on as the shape of ${place}, received ${showValue(shape)}`,
  )
}

/** Elements of BYTES; the array is a view of `bytes`. Throws `request_invalid`. */
export function splitElements(
  bytes: Uint8Array,
  expected: number,
  place: string,
): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements: Uint8Array[] = []
  let at = 0
  while (at < bytes.length && elements.length <= expected) {
    const start = at + LENGTH_BYTES
    const end = start <= bytes.length ? start + view.getUint32(at, true) : start
    if (end > bytes.length) {
      throw new VergerError(
        'request_invalid',
        `Expected element ${elements.length} of ${place} to end at byte ${end}, received ${bytes.length} bytes`,
        { hint: 'An element is its length as 32 bits, little-endian, and then its bytes.' },
      )
    }
    elements.push(bytes.subarray(start, end))
    at = end
  }
  if (elements.length === expected) return elements
  const received = elements.length > expected ? 'more' : String(elements.length)
  throw new VergerError(
    'request_invalid',
    `Expected ${expected} elements in ${place}, as its shape says, received ${received}`,
  )
}

/** Joins elements of BYTES. */
export function joinElements(elements: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt32LE(element.length)
      return [length, element]
    }),
  )
}

/** Numbers of a type that pixels may have; those of UINT8 are a view of `bytes`. Throws `request_invalid`. */
export function readNumbers(
  type: LevelType,
  bytes: Uint8Array,
  expected: number,
  place: string,
): ArrayLike<number | bigint> {
  const { BYTES_PER_ELEMENT: sizeBytes } = ARRAYS[type]
  if (bytes.length !== expected * sizeBytes) {
    throw new VergerError(
      'request_invalid',
      `Expected ${expected * sizeBytes} bytes in ${place}, ${expected} of ${type} as its shape says, received ${bytes.length}`,
    )
  }
  if (type === 'UINT8') return bytes
  // A copy of its own: a view of numbers must start at a multiple of their size.
  const copy = Uint8Array.from(bytes)
  if (endianness() === 'BE') copy.reverse()
  const numbers = new ARRAYS[type](copy.buffer)
  return endianness() === 'BE' ? numbers.reverse() : numbers
}

/** The bytes of FP32. */
export function floatBytes(values: Float32Array): Uint8Array {
  const copy = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  if (endianness() === 'LE') return copy
  return new Uint8Array(Float32Array.from(values).reverse().buffer).reverse()
}
