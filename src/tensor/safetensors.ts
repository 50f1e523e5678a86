/**
 * The safetensors format: 8 bytes of header length, a JSON header with type, shape and place of each tensor, then the
 * bytes (https://huggingface.co/docs/safetensors/index#format). Float32 and float16 are written, all floats read.
 */

import { decodeFloats, type FloatType } from './float-types.ts'
import { encodeFloat16 } from './float16.ts'
import { elementCount, type FloatTensor } from './tensor.ts'

/** Types that are written. */
type StoredType = 'F32' | 'F16'

/** Bytes of one element, and the type of those that are floats. */
const TYPES: Readonly<Record<string, readonly [bytes: number, type?: FloatType]>> = {
  F64: [8, 'float64'],
  F32: [4, 'float32'],
  F16: [2, 'float16'],
  BF16: [2, 'bfloat16'],
  I64: [8],
  U64: [8],
  I32: [4],
  U32: [4],
  I16: [2],
  U16: [2],
  I8: [1],
  U8: [1],
  BOOL: [1],
}

/** The limit that the format's own library has. */
const MAX_HEADER_BYTES = 100_000_000

interface HeaderEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** A tensor and the type in which it is stored. */
export interface StoredTensor extends FloatTensor {
  readonly type: StoredType
}

/** Encodes tensors in the order of their names; the same tensors give the same bytes. */
export function encodeSafetensors(tensors: Readonly<Record<string, StoredTensor>>): Uint8Array {
  const header: Record<string, HeaderEntry> = {}
  const parts: Uint8Array[] = []
  let offset = 0
  for (const name of Object.keys(tensors).sort()) {
    const { type, dims, data } = tensors[name]!
    const bytes =
      type === 'F32'
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(encodeFloat16(data).buffer)
    header[name] = { dtype: type, shape: dims, data_offsets: [offset, offset + bytes.length] }
    offset += bytes.length
    parts.push(bytes)
  }
  const json = Buffer.from(JSON.stringify(header))
  // Padded with spaces, so that the values begin at a multiple of eight.
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded, ...parts])
}

/** Where the bytes of one tensor lie. */
export interface TensorPlace {
  readonly name: string
  readonly dims: readonly number[]
  /** Undefined where its elements are whole numbers. */
  readonly type: FloatType | undefined
  /** Counted from the start of the file. */
  readonly offset: number
  readonly sizeBytes: number
}

/** Decodes all tensors to float32. Throws a RangeError naming what does not fit. */
export function decodeSafetensors(bytes: Uint8Array): ReadonlyMap<string, FloatTensor> {
  const tensors = new Map<string, FloatTensor>()
  const places = findTensors(bytes.length, (from, length) => bytes.subarray(from, from + length))
  for (const { name, dims, type, offset, sizeBytes } of places) {
    if (type === undefined) throw new RangeError(`${name}: expected floats`)
    const copy = Uint8Array.from(bytes.subarray(offset, offset + sizeBytes))
    tensors.set(name, { dims, data: decodeFloats(type, copy) })
  }
  return tensors
}

/**
 * Finds all tensors of a file of `sizeBytes`, of which only the header is read.
 * Throws a RangeError naming what does not fit: every place given lies in the file, and none overlaps another.
 */
export function findTensors(
  sizeBytes: number,
  read: (offset: number, length: number) => Uint8Array,
): TensorPlace[] {
  if (sizeBytes < 8) throw new RangeError(`Expected at least 8 bytes, received ${sizeBytes}`)
  const headerLength = Number(Buffer.from(read(0, 8)).readBigUInt64LE())
  if (headerLength > Math.min(sizeBytes - 8, MAX_HEADER_BYTES)) {
    throw new RangeError(`Expected a header of ${headerLength} bytes, received ${sizeBytes - 8}`)
  }
  const start = 8 + headerLength
  const places: TensorPlace[] = []
  let end = 0
  for (const { name, dtype, shape, data_offsets } of parseHeader(
    Buffer.from(read(8, headerLength)).toString('utf8'),
  )) {
    const [from, to] = data_offsets
    const [elementBytes, type] = TYPES[dtype]!
    // No gaps and no overlaps, so what is decoded is no larger than the file.
    const fits = from === end && to - from === elementCount(shape) * elementBytes
    if (!fits || start + to > sizeBytes) {
      throw new RangeError(`${name}: bytes ${from} to ${to} do not hold the shape [${shape}]`)
    }
    end = to
    places.push({ name, dims: shape, type, offset: start + from, sizeBytes: to - from })
  }
  if (start + end !== sizeBytes) {
    throw new RangeError(`Expected ${end} bytes of numbers, received ${sizeBytes - start}`)
  }
  return places
}

/** The entries in the order of their places, once nothing in them can lead out of the file. */
function parseHeader(json: string): (HeaderEntry & { readonly name: string })[] {
  let header: unknown
  try {
    header = JSON.parse(json)
  } catch (error) {
    throw new RangeError(`Expected JSON in the header: ${String(error)}`, { cause: error })
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new RangeError('Expected an object of tensors in the header')
  }
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__')
  const entries = tensors.map(([name, entry]: [string, Partial<HeaderEntry> | null]) => {
    const { dtype, shape, data_offsets } = entry ?? {}
    if (dtype === undefined || !Object.hasOwn(TYPES, dtype)) {
      throw new RangeError(`${name}: the type ${dtype} is not read`)
    }
    if (!areCounts(shape) || !areCounts(data_offsets) || data_offsets.length !== 2) {
      throw new RangeError(`${name}: expected a shape and two places as whole numbers`)
    }
    const places: [number, number] = [data_offsets[0]!, data_offsets[1]!]
    return { name, dtype, shape, data_offsets: places }
  })
  return entries.sort(({ data_offsets: a }, { data_offsets: b }) => a[0] - b[0] || a[1] - b[1])
}

const areCounts = (values: unknown): values is readonly number[] =>
  Array.isArray(values) && values.every((value) => Number.isSafeInteger(value) && value >= 0)
