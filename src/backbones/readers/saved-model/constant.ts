/** Tensors whose values the graph itself tells. */
import { decodeFloat16 } from '../../../tensor/float16.ts'
import type { TensorProto, TensorShapeProto } from '../../../tensor/generated/tensorflow_pb.ts'
import { elementCount } from '../../../tensor/tensor.ts'
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'

/** Numbers, row-major. NaN stands for a number that depends on the photos, e.g. how many there are. */
export interface Constant {
  readonly kind: 'constant'
  /** By the numbers of `DATA_TYPES`. */
  readonly type: number
  readonly dims: readonly number[]
  /** float32 for floats of 32 bits and less, else double precision: whole numbers are exact up to 2^53. */
  readonly data: Float32Array | Float64Array
}

export interface Texts {
  readonly kind: 'texts'
  readonly dims: readonly number[]
  readonly values: readonly Uint8Array[]
}

/** How many numbers may be held: a file of some bytes can ask for any size. */
export class Budget {
  #left: number

  /** For files of `sizeBytes` together. */
  constructor(sizeBytes: number) {
    this.#left = 4 * sizeBytes + 2 ** 22
  }

  /** Throws `model_unsupported` where `count` is more than is left. */
  take(count: number, name: string): void {
    this.#left -= count
    if (this.#left >= 0) return
    throw unsupportedModel(
      `${name}: expected tensors that are not far larger than the file, received another of ${count} numbers`,
    )
  }
}

const FLOAT_TYPES: readonly number[] = [DATA_TYPES.float, DATA_TYPES.half, DATA_TYPES.bfloat16]

export const isFloat = (type: number): boolean => FLOAT_TYPES.includes(type)

/** Bytes of one element. Throws `model_unsupported` for types that classifiers do not use. */
export function elementSize(type: number, name: string): number {
  switch (type) {
    case DATA_TYPES.double:
    case DATA_TYPES.int64:
      return 8
    case DATA_TYPES.float:
    case DATA_TYPES.int32:
      return 4
    case DATA_TYPES.half:
    case DATA_TYPES.bfloat16:
    case DATA_TYPES.int16:
      return 2
    case DATA_TYPES.uint8:
    case DATA_TYPES.int8:
    case DATA_TYPES.bool:
      return 1
    default:
      throw unsupportedModel(
        `${name}: expected numbers, received elements of type ${typeName(type)}`,
      )
  }
}

/** The name of TensorFlow's type, e.g. `float`. */
export const typeName = (type: number): string =>
  Object.entries(DATA_TYPES).find(([, number]) => number === type)?.[0] ?? String(type)

/** Little-endian elements as numbers. The bytes are used in place where that is possible. */
export function decodeElements(
  bytes: Uint8Array,
  type: number,
  name: string,
): Float32Array | Float64Array {
  const size = elementSize(type, name)
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes)
  const count = byteLength / size
  switch (type) {
    case DATA_TYPES.float:
      return new Float32Array(buffer, byteOffset, count)
    case DATA_TYPES.half:
      return decodeFloat16(new Uint16Array(buffer, byteOffset, count))
    case DATA_TYPES.bfloat16: {
      const high = Uint32Array.from(
        new Uint16Array(buffer, byteOffset, count),
        (half) => half << 16,
      )
      return new Float32Array(high.buffer)
    }
    case DATA_TYPES.double:
      return new Float64Array(buffer, byteOffset, count)
    case DATA_TYPES.int64:
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, count), Number)
    case DATA_TYPES.int32:
      return Float64Array.from(new Int32Array(buffer, byteOffset, count))
    case DATA_TYPES.int16:
      return Float64Array.from(new Int16Array(buffer, byteOffset, count))
    case DATA_TYPES.int8:
      return Float64Array.from(new Int8Array(buffer, byteOffset, count))
    default:
      return Float64Array.from(new Uint8Array(buffer, byteOffset, count))
  }
}

/** A shape that is known. Throws `model_invalid`. */
export function shapeOf(shape: TensorShapeProto | undefined, name: string): number[] {
  const dims = (shape?.dim ?? []).map(({ size }) => Number(size))
  const isCount = (count: number) => Number.isSafeInteger(count) && count >= 0
  if (shape?.unknownRank !== true && dims.every(isCount) && isCount(elementCount(dims))) return dims
  throw invalidModel(`${name}: expected a shape, received [${dims.join(', ')}]`)
}

/** The value of a `Const` node or of an attribute. */
export function decodeTensor(
  proto: TensorProto | undefined,
  name: string,
  budget: Budget,
): Constant | Texts {
  if (proto === undefined) throw invalidModel(`${name}: expected a tensor, received none`)
  const dims = shapeOf(proto.tensorShape, name)
  const count = elementCount(dims)
  const { dtype: type, tensorContent } = proto
  if (type === DATA_TYPES.string) {
    const values = proto.stringVal
    const last = values.at(-1) ?? new Uint8Array()
    if (values.length > count) throw misfit(name, count, values.length)
    budget.take(count, name)
    return {
      kind: 'texts',
      dims,
      values: Array.from({ length: count }, (_, at) => values[at] ?? last),
    }
  }
  const size = elementSize(type, name)
  if (tensorContent.length > 0) {
    if (tensorContent.length !== count * size)
      throw misfit(name, count, tensorContent.length / size)
    budget.take(type === DATA_TYPES.float ? 0 : count, name)
    return { kind: 'constant', type, dims, data: decodeElements(tensorContent, type, name) }
  }
  const values = listedValues(proto)
  if (values.length > count) throw misfit(name, count, values.length)
  budget.take(count, name)
  // The last value stands for all that follow.
  const last = values.at(-1) ?? 0
  const data = isFloat(type) ? new Float32Array(count) : new Float64Array(count)
  data.set(values)
  data.fill(last, values.length)
  return { kind: 'constant', type, dims, data }
}

function listedValues(proto: TensorProto): readonly number[] | Float32Array {
  switch (proto.dtype) {
    case DATA_TYPES.float:
      return proto.floatVal
    case DATA_TYPES.double:
      return proto.doubleVal
    case DATA_TYPES.half:
      return [...decodeFloat16(Uint16Array.from(proto.halfVal))]
    case DATA_TYPES.bfloat16:
      return [...new Float32Array(Uint32Array.from(proto.halfVal, (half) => half << 16).buffer)]
    case DATA_TYPES.int64:
      return proto.int64Val.map(Number)
    case DATA_TYPES.bool:
      return proto.boolVal.map(Number)
    default:
      return proto.intVal
  }
}

const misfit = (name: string, expected: number, received: number) =>
  invalidModel(`${name}: expected ${expected} values for its shape, received ${received}`)

/** A constant of whole numbers, e.g. a shape. */
export const wholeNumbers = (values: readonly number[], dims = [values.length]): Constant => ({
  kind: 'constant',
  type: DATA_TYPES.int32,
  dims,
  data: Float64Array.from(values),
})
