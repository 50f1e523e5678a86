/** Constants of a TFLite file as numbers. */
import { decodeFloat16 } from '../../../tensor/float16.ts'
import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { Quantization, TensorType, TfliteTensor } from './tflite-graph.ts'

const ELEMENT_BYTES: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint8: 1,
  int64: 8,
  bool: 1,
  int16: 2,
  int8: 1,
}

/** Axes, sizes and paddings are few; a longer list is none. */
const MAX_INTEGERS = 16

/**
 * A constant as float32, what is quantized being dequantized. `scales` stands in where the file has none of its own.
 * Throws `model_invalid` where the bytes do not fill its shape.
 */
export function readFloats(tensor: TfliteTensor, scales?: readonly number[]): FloatTensor {
  const { dims, name } = tensor
  const type = tensor.type ?? refuseType(name)
  const data = checkedBytes(tensor, type)
  // A copy, since what is read as float32 must begin at a multiple of four.
  const raw = () => new Uint8Array(data).buffer
  if (type === 'float32') return { dims, data: new Float32Array(raw()) }
  if (type === 'float16') return { dims, data: decodeFloat16(new Uint16Array(raw())) }
  const own = tensor.quantization
  const quantization = own ?? (scales && { scales, zeroPoints: [], axis: 0 })
  if (quantization === undefined) {
    throw unsupportedModel(`${name}: expected float weights or a scale, received plain ${type}`)
  }
  return { dims, data: dequantize(tensor, type, raw(), quantization) }
}

/** A constant of 8 bit, or a bias in the product of two scales, as the whole numbers that it is kept in, less its zero point. */
export function readWholes(tensor: TfliteTensor): FloatTensor {
  const { dims, name, quantization } = tensor
  const type = tensor.type ?? refuseType(name)
  if (type === 'float32' || type === 'float16') {
    throw unsupportedModel(`${name}: expected whole numbers, received ${type}`)
  }
  const buffer = new Uint8Array(checkedBytes(tensor, type)).buffer
  const { scales = [1], zeroPoints = [], axis = 0 } = quantization ?? {}
  const ones = scales.map(() => 1)
  return { dims, data: dequantize(tensor, type, buffer, { scales: ones, zeroPoints, axis }) }
}

/** A short constant of whole numbers: axes, sizes, paddings. */
export function readIntegers(tensor: TfliteTensor): number[] {
  const { name, dims } = tensor
  const type = tensor.type ?? refuseType(name)
  if (elementCount(dims) > MAX_INTEGERS || !(type === 'int32' || type === 'int64')) {
    throw unsupportedModel(
      `${name}: expected a few whole numbers, received ${type} [${dims.join(', ')}]`,
    )
  }
  return Array.from(toIntegers(type, new Uint8Array(checkedBytes(tensor, type)).buffer), Number)
}

function checkedBytes({ name, dims, data, isSparse }: TfliteTensor, type: TensorType): Uint8Array {
  if (data === undefined) throw unsupportedModel(`${name}: expected a constant, received a result`)
  if (isSparse) throw unsupportedModel(`${name}: expected a dense constant, received a sparse one`)
  const expected = elementCount(dims) * ELEMENT_BYTES[type]
  if (data.length === expected) return data
  throw invalidModel(
    `${name}: expected ${expected} bytes for ${type} [${dims.join(', ')}], received ${data.length}`,
  )
}

function toIntegers(type: TensorType, buffer: ArrayBuffer) {
  switch (type) {
    case 'int8':
      return new Int8Array(buffer)
    case 'uint8':
      return new Uint8Array(buffer)
    case 'int16':
      return new Int16Array(buffer)
    case 'int32':
      return new Int32Array(buffer)
    default:
      return Float64Array.from(new BigInt64Array(buffer), Number)
  }
}

function dequantize(
  { name, dims }: TfliteTensor,
  type: TensorType,
  buffer: ArrayBuffer,
  { scales, zeroPoints, axis }: Quantization,
): Float32Array {
  const integers = toIntegers(type, buffer)
  const perChannel = scales.length > 1
  const channels = dims[axis]
  if (perChannel && channels !== scales.length) {
    throw invalidModel(
      `${name}: expected ${channels} scales along axis ${axis}, received ${scales.length}`,
    )
  }
  const inner = perChannel ? elementCount(dims.slice(axis + 1)) : integers.length
  const floats = new Float32Array(integers.length)
  for (let start = 0; start < integers.length; start += inner) {
    const channel = perChannel ? (start / inner) % scales.length : 0
    const scale = scales[channel]!
    // A list of one zero point stands for all channels, an empty one for 0.
    const zeroPoint = zeroPoints[channel] ?? zeroPoints[0] ?? 0
    for (let at = start; at < start + inner; at++) floats[at] = (integers[at]! - zeroPoint) * scale
  }
  return floats
}

function refuseType(name: string): never {
  throw unsupportedModel(
    `${name}: expected float32, float16 or whole numbers, received another type`,
  )
}
