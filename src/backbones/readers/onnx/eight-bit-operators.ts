/** ONNX operators of networks in 8 bit. */
import { addConstant, multiplyConstant } from './arithmetic.ts'
import { toScalar } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'
import { addLike } from './layer-operators.ts'

/** Least and most by the number of `TensorProto.DataType`. */
const UINT8 = 2

const QUANTIZED: Readonly<Record<number, readonly [number, number]>> = {
  [UINT8]: [0, 255],
  3: [-128, 127],
}

/** To 8 bit: what `DequantizeLinear` gives back, with one scale and zero point for all. */
export function quantize(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const scale = toScalar(node.requireConstant(1))
  const zeros = node.constant(2)
  const zero = zeros === undefined ? 0 : toScalar(zeros)
  const range = QUANTIZED[zeros?.elementType ?? UINT8]
  if (scale === undefined || zero === undefined || range === undefined || !(scale > 0)) {
    throw node.unsupported('a scale for each channel, or another type than 8 bit')
  }
  const scaled = multiplyConstant(reader, x, [1 / scale]) as LayerValue
  const whole = addLike(reader, scaled, { op: 'round', input: scaled.id, halves: 'even' })
  const [least, most] = [range[0] - zero, range[1] - zero]
  const held = addLike(reader, whole, { op: 'clip', input: whole.id, least, most })
  return zero === 0 ? held : addConstant(reader, held, [zero])
}

export function dequantize(reader: NodeReader): GraphValue {
  const { node } = reader
  const scale = toScalar(node.requireConstant(1))
  const zeros = node.constant(2)
  const zero = zeros === undefined ? 0 : toScalar(zeros)
  if (scale === undefined || zero === undefined) throw node.unsupported('a scale for each channel')
  const moved = zero === 0 ? reader.layer(0) : addConstant(reader, reader.layer(0), [-zero])
  return multiplyConstant(reader, moved, [scale])
}
