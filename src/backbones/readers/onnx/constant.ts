/** Constants of an ONNX graph: initializers, and what is computed from them before any photo comes. */
import { decodeFloats, type FloatType } from '../../../tensor/float-types.ts'
import type { TensorProto } from '../../../tensor/generated/onnx_pb.ts'
import { elementCount } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'

/** Floats as float32, whole numbers as float64; NaN stands for the number of photos where that is free. */
export interface Constant {
  readonly dims: readonly number[]
  readonly data: Float32Array | Float64Array
  /** Number of `TensorProto.DataType` as it is stored. */
  readonly elementType?: number
}

/** Gives the bytes of a tensor that lie in another file. */
export type ReadExternal = (entries: ReadonlyMap<string, string>, name: string) => Uint8Array

/** `TensorProto.DataLocation.EXTERNAL`. */
const EXTERNAL = 1

/** Numbers of `TensorProto.DataType`. */
const FLOATS: Readonly<Record<number, FloatType>> = {
  1: 'float32',
  10: 'float16',
  11: 'float64',
  16: 'bfloat16',
}
const INTEGERS = {
  2: Uint8Array,
  3: Int8Array,
  4: Uint16Array,
  5: Int16Array,
  6: Int32Array,
  7: BigInt64Array,
  9: Uint8Array,
  12: Uint32Array,
  13: BigUint64Array,
} as const

const isInteger = (type: number): type is keyof typeof INTEGERS => Object.hasOwn(INTEGERS, type)

/** Decodes an initializer. Throws `model_invalid` where its values do not fill its shape. */
export function decodeConstant(tensor: TensorProto, readExternal: ReadExternal): Constant {
  const { name, dataType } = tensor
  const dims = tensor.dims.map(Number)
  const isCount = (size: number): boolean => Number.isSafeInteger(size) && size >= 0
  if (!dims.every(isCount) || !isCount(elementCount(dims))) {
    throw invalidModel(`Expected a shape for the constant ${name}, received [${dims.join(', ')}]`)
  }
  const data = decodeValues(tensor, readExternal)
  if (data === undefined) {
    throw unsupportedModel(
      `The constant ${name} has the element type ${dataType}, which is not read`,
    )
  }
  if (data.length !== elementCount(dims)) {
    throw invalidModel(
      `Expected ${elementCount(dims)} values for the constant ${name} of shape [${dims.join(', ')}], received ${data.length}`,
    )
  }
  return { dims, data, elementType: dataType }
}

function decodeValues(
  tensor: TensorProto,
  readExternal: ReadExternal,
): Float32Array | Float64Array | undefined {
  const { dataType, floatData, int32Data, int64Data, doubleData } = tensor
  const floatType = FLOATS[dataType]
  if (floatType === undefined && !isInteger(dataType)) return undefined
  const bytes =
    tensor.dataLocation === EXTERNAL
      ? readExternal(
          new Map(tensor.externalData.map(({ key, value }) => [key, value])),
          tensor.name,
        )
      : tensor.rawData
  if (bytes.length > 0) {
    return floatType === undefined
      ? decodeIntegers(dataType as keyof typeof INTEGERS, bytes)
      : decodeFloats(floatType, bytes)
  }
  if (floatType === undefined) {
    return int64Data.length > 0
      ? Float64Array.from(int64Data, Number)
      : Float64Array.from(int32Data)
  }
  if (floatType === 'float32') return Float32Array.from(floatData)
  if (floatType === 'float64') return Float32Array.from(doubleData)
  // Halves lie in the lower 16 bits of whole numbers.
  return decodeFloats(floatType, new Uint8Array(Uint16Array.from(int32Data).buffer))
}

function decodeIntegers(type: keyof typeof INTEGERS, bytes: Uint8Array): Float64Array {
  const Integers = INTEGERS[type]
  const count = Math.floor(bytes.length / Integers.BYTES_PER_ELEMENT)
  const values = new Integers(Uint8Array.from(bytes).buffer, 0, count)
  return Float64Array.from(values as Iterable<number | bigint>, Number)
}

/** The constant as whole numbers. */
export const toIntegers = ({ data }: Constant): number[] => Array.from(data)

/** The number where the constant has but one. */
export const toScalar = ({ data }: Constant): number | undefined =>
  data.length === 1 ? data[0] : undefined
