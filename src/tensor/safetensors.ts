/**
 * The safetensors format: 8 bytes of header length, a JSON header with type, shape and place of each tensor, then the
 * bytes (https://huggingface.co/docs/safetensors/index#format). Float32 and float16 are read and written.
 */
import { decodeFloat16, encodeFloat16 } from './float16.ts'
import { elementCount, type FloatTensor } from './tensor.ts'

const TYPES = { F32: 4, F16: 2 } as const
type StoredType = keyof typeof TYPES

interface HeaderEntry {
  readonly dtype: StoredType
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

/** Decodes all tensors to float32. Throws a RangeError naming what does not fit. */
export function decodeSafetensors(bytes: Uint8Array): ReadonlyMap<string, FloatTensor> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.length < 8) throw new RangeError(`Expected at least 8 bytes, received ${view.length}`)
  const headerLength = Number(view.readBigUInt64LE())
  if (headerLength > view.length - 8) {
    throw new RangeError(`Expected a header of ${headerLength} bytes, received ${view.length - 8}`)
  }
  const start = 8 + headerLength
  const entries = parseHeader(view.toString('utf8', 8, start))
  const tensors = new Map<string, FloatTensor>()
  let end = 0
  for (const { name, dtype, shape, data_offsets } of entries) {
    const [from, to] = data_offsets
    // No gaps and no overlaps, so what is decoded is no larger than the file.
    const fits = from === end && to - from === elementCount(shape) * TYPES[dtype]
    if (!fits || start + to > view.length) {
      throw new RangeError(`${name}: bytes ${from} to ${to} do not hold the shape [${shape}]`)
    }
    end = to
    const copy = Uint8Array.from(view.subarray(start + from, start + to)).buffer
    const data = dtype === 'F32' ? new Float32Array(copy) : decodeFloat16(new Uint16Array(copy))
    tensors.set(name, { dims: shape, data })
  }
  if (start + end !== view.length) {
    throw new RangeError(`Expected ${end} bytes of numbers, received ${view.length - start}`)
  }
  return tensors
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
