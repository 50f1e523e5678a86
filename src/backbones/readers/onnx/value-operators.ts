/** ONNX operators that give each value another one, alone or beside the others of its row: activations, bounds, softmax, lengths. */
import { addConstant, multiplyConstant } from './arithmetic.ts'
import { clip } from './clip.ts'
import { toScalar } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'
import { addLike, type Read } from './layer-operators.ts'

export const activation =
  (op: 'relu' | 'sigmoid' | 'tanh' | 'hard-swish'): Read =>
  (reader) => {
    const x = reader.layer(0)
    return addLike(reader, x, { op, input: x.id })
  }

export function leakyRelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const alpha = reader.node.float('alpha', 0.01)
  return addLike(reader, x, { op: 'leaky-relu', input: x.id, alpha })
}

/** With the same slope for all channels. */
export function pRelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const { data } = reader.node.requireConstant(1)
  const [alpha] = data
  if (alpha === undefined || data.some((slope) => slope !== alpha)) {
    throw reader.node.unsupported('a slope for each channel')
  }
  return addLike(reader, x, { op: 'leaky-relu', input: x.id, alpha })
}

export function elu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  return addLike(reader, x, { op: 'elu', input: x.id, alpha: reader.node.float('alpha', 1) })
}

export function gelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const approximate = reader.node.text('approximate', 'none')
  if (approximate !== 'none') throw reader.node.unsupported(`the approximation ${approximate}`)
  return addLike(reader, x, { op: 'gelu', input: x.id })
}

/** `erf(x / √2)`: nothing but GELU asks for it. */
export function erf(reader: NodeReader): GraphValue {
  const { id } = reader.layer(0)
  const scale = reader.draft.layers[id]
  const factors =
    scale?.op === 'scale' ? reader.draft.weights.get(`${scale.name}/scale`)?.data : undefined
  const offsets =
    scale?.op === 'scale' ? reader.draft.weights.get(`${scale.name}/offset`)?.data : undefined
  const isHalfRoot = (factor: number): boolean => Math.abs(factor - Math.SQRT1_2) < 1e-4
  if (scale?.op !== 'scale' || !factors?.every(isHalfRoot) || offsets?.some((o) => o !== 0)) {
    throw reader.node.unsupported('another use than that of GELU')
  }
  return { kind: 'erf', of: scale.input, factor: 1 }
}

/** `max(0, min(1, alpha · x + beta))`. */
export function hardSigmoid(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const alpha = node.float('alpha', 0.2)
  const beta = node.float('beta', 0.5)
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5) {
    return addLike(reader, x, { op: 'hard-sigmoid', input: x.id })
  }
  const moved = addConstant(reader, multiplyConstant(reader, x, [alpha]), [beta])
  return clip(reader, moved as LayerValue, 0, 1)
}

/** Bounds from attributes (before opset 11) or inputs. */
export function clipNode(reader: NodeReader): GraphValue {
  const { node } = reader
  const bound = (name: string, at: number, otherwise: number): number => {
    const constant = node.constant(at)
    if (constant === undefined) return node.float(name, otherwise)
    const value = toScalar(constant)
    if (value === undefined) throw node.unsupported('a bound that is not one number')
    return value
  }
  const min = bound('min', 1, Number.NEGATIVE_INFINITY)
  const max = bound('max', 2, Number.POSITIVE_INFINITY)
  return clip(reader, reader.layer(0), min, max)
}

/** `Max` and `Min` with one number. */
export const bounded =
  (side: 'min' | 'max'): Read =>
  (reader) => {
    const { node } = reader
    const [first, second] = reader.isConstant(0) ? [1, 0] : [0, 1]
    const number = node.inputs.length === 2 ? toScalar(node.requireConstant(second)) : undefined
    if (number === undefined) throw node.unsupported('something else than a map and one number')
    const value = reader.value(first)
    // What keeps a division by the length of zeros from being one by zero.
    if (value.kind === 'length' && side === 'min' && number > 0 && number < 1e-6) return value
    const [min, max] =
      side === 'min' ? [number, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, number]
    return clip(reader, reader.layer(first), min, max)
  }

export function round(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  return addLike(reader, x, { op: 'round', input: x.id, halves: 'even' })
}

/** Rounding goes up from the middle, which a half less makes the greatest whole number below. */
export function floor(reader: NodeReader): GraphValue {
  const x = addConstant(reader, reader.layer(0), [-0.5]) as LayerValue
  return addLike(reader, x, { op: 'round', input: x.id, halves: 'up' })
}

/** Over channels or features. */
export function softmax(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const isVector = reader.shapeOf(x.id).height === undefined
  const given = node.integer('axis', node.opset < 13 ? 1 : -1)
  const axis = given < 0 ? given + (isVector ? 2 : 4) : given
  if (axis !== (isVector || !x.channelsLast ? 1 : 3)) throw node.unsupported(`the axis ${given}`)
  return addLike(reader, x, { op: 'softmax', input: x.id })
}

export function logSoftmax(reader: NodeReader): GraphValue {
  if (!reader.isOutput) throw reader.node.unsupported('a place other than the end of the graph')
  return softmax(reader)
}

/** Vectors divided by their length. */
export function unit(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  if (reader.shapeOf(x.id).height !== undefined || node.integer('p', 2) !== 2) {
    throw node.unsupported('something else than the length of a vector')
  }
  if (![1, -1].includes(node.integer('axis', -1))) throw node.unsupported('another axis')
  return addLike(reader, x, { op: 'unit', input: x.id })
}

/** The length of a vector; nothing but a division by it asks for one. */
export function reduceLength(reader: NodeReader): GraphValue {
  const { node } = reader
  const { id } = reader.layer(0)
  const isVector = reader.shapeOf(id).height === undefined
  const axes = node.axes(1, 2)
  if (!isVector || axes?.join() !== '1' || node.integer('keepdims', 1) === 0) {
    throw node.unsupported(`the axes [${axes?.join(', ') ?? ''}]`)
  }
  return { kind: 'length', of: id }
}

/** Of what a Relu gives: elsewhere there would be no number. */
export function squareRoot(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const layer = reader.draft.layers[x.id]
  if (layer?.op !== 'relu') throw reader.node.unsupported('an input that is no result of Relu')
  return addLike(reader, x, { op: 'root', input: layer.input })
}
