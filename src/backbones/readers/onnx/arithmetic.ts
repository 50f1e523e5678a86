/** Sums and products in an ONNX graph: with constants, of two maps, and those that are an activation taken apart. */
import { elementCount } from '../../../tensor/tensor.ts'
import type { Constant } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { BellValue, GraphValue, LayerValue } from './graph-value.ts'

/** One number for all channels, or one for each. */
type Factors = readonly number[]

/** `x + y + …`, or `x − y` where `sign` is −1; either may be a constant. */
export function addValues(reader: NodeReader, sign: 1 | -1): GraphValue {
  const { node } = reader
  const count = node.inputs.length
  const [constant] = node.inputs.flatMap((_, at) => (reader.isConstant(at) ? [at] : []))
  if (constant === undefined) {
    let sum = reader.layer(0)
    for (let at = 1; at < count; at++) sum = addLayers(reader, sum, reader.layer(at), sign)
    return sum
  }
  if (count !== 2) throw node.unsupported(`${count} inputs, one of them a constant`)
  const value = reader.value(1 - constant)
  const numbers = perChannel(reader, node.requireConstant(constant), value)
  if (sign === 1) return addConstant(reader, value, numbers)
  if (constant === 1)
    return addConstant(
      reader,
      value,
      numbers.map((number) => -number),
    )
  return addConstant(reader, multiplyConstant(reader, value, [-1]), numbers)
}

function addLayers(
  reader: NodeReader,
  left: LayerValue,
  right: LayerValue,
  sign: 1 | -1,
): LayerValue {
  const { draft, node } = reader
  requireSameLayout(reader, left, right)
  const added = sign === 1 ? right : (multiplyConstant(reader, right, [-1]) as LayerValue)
  const id = draft.add({ op: 'add', inputs: [left.id, added.id] }, node.place)
  return { ...left, id }
}

/** `x · y`, or `x / y` where `power` is −1; either factor may be a constant. */
export function multiplyValues(reader: NodeReader, power: 1 | -1): GraphValue {
  const { node } = reader
  if (node.inputs.length !== 2) throw node.invalid(`${node.inputs.length} inputs`)
  const constant = [0, 1].find((at) => reader.isConstant(at))
  if (constant === undefined) {
    if (power === -1) return divideByLength(reader)
    return multiplyTwo(reader, reader.value(0), reader.value(1))
  }
  if (power === -1 && constant === 0) throw node.unsupported('a division of a constant')
  const value = reader.value(1 - constant)
  const numbers = perChannel(reader, node.requireConstant(constant), value)
  return multiplyConstant(
    reader,
    value,
    power === 1 ? numbers : numbers.map((number) => 1 / number),
  )
}

/** `x / ‖x‖`. */
function divideByLength(reader: NodeReader): GraphValue {
  const { draft, node } = reader
  const x = reader.layer(0)
  const length = reader.value(1)
  if (length.kind !== 'length' || length.of !== x.id) {
    throw node.unsupported('a division by something that is no constant')
  }
  return { ...x, id: draft.add({ op: 'unit', input: x.id }, node.place) }
}

function multiplyTwo(reader: NodeReader, left: GraphValue, right: GraphValue): GraphValue {
  if (left.kind === 'bell' && right.kind === 'layer') return joinGelu(reader, right, left)
  if (right.kind === 'bell' && left.kind === 'layer') return joinGelu(reader, left, right)
  const { draft, node } = reader
  const [first, second] = [reader.layer(0), reader.layer(1)]
  for (const [x, gate] of [
    [first, second],
    [second, first],
  ] as const) {
    const layer = draft.layers[gate.id]
    if (layer === undefined || !('input' in layer) || layer.input !== x.id) continue
    const op = { sigmoid: 'silu', 'hard-sigmoid': 'hard-swish' }[layer.op as string]
    if (op !== 'silu' && op !== 'hard-swish') continue
    return { ...x, id: draft.add({ op, input: x.id }, node.place) }
  }
  requireSameLayout(reader, first, second)
  const id = draft.add({ op: 'multiply', inputs: [first.id, second.id] }, node.place)
  return { ...first, id }
}

/** `k · x · factor · (1 + erf(x / √2))` is `2 · k · factor · gelu(x)`. */
function joinGelu(reader: NodeReader, x: LayerValue, bell: BellValue): GraphValue {
  const { draft, node } = reader
  const layer = draft.layers[x.id]
  let share: number | undefined
  if (x.id === bell.of) share = 1
  else if (layer?.op === 'scale' && layer.input === bell.of) {
    const { data: factors } = draft.weights.get(`${layer.name}/scale`)!
    const { data: offsets } = draft.weights.get(`${layer.name}/offset`)!
    const isPlain = factors.every((factor) => factor === factors[0]) && !offsets.some(Boolean)
    if (isPlain) share = factors[0]
  }
  if (share === undefined) throw node.unsupported('another use of erf than that of GELU')
  const id = draft.add({ op: 'gelu', input: bell.of }, node.place)
  const factor = 2 * share * bell.factor
  const value: LayerValue = { ...x, id }
  return Math.abs(factor - 1) < 1e-6 ? value : multiplyConstant(reader, value, [factor])
}

function requireSameLayout({ node }: NodeReader, left: LayerValue, right: LayerValue): void {
  if (left.channelsLast !== right.channelsLast) {
    throw node.unsupported('two maps whose channels lie on different axes')
  }
}

export function multiplyConstant(
  { draft, node }: NodeReader,
  value: GraphValue,
  factors: Factors,
): GraphValue {
  const [factor = 1] = factors
  switch (value.kind) {
    case 'layer': {
      const { channels } = draft.shape(value.id)
      const id = draft.scale(node.name, value.id, spread(factors, channels), spread([0], channels))
      return { ...value, id }
    }
    case 'channel':
      return { ...value, scale: value.scale * factor, offset: value.offset * factor }
    case 'length':
      throw node.unsupported('another use of a length than to divide by it')
    default:
      if (value.kind === 'erf' || factors.length !== 1) {
        throw node.unsupported('another use of erf than that of GELU')
      }
      return { ...value, factor: value.factor * factor }
  }
}

export function addConstant(
  { draft, node }: NodeReader,
  value: GraphValue,
  numbers: Factors,
): GraphValue {
  const [number = 0] = numbers
  switch (value.kind) {
    case 'layer': {
      const { channels } = draft.shape(value.id)
      const id = draft.scale(node.name, value.id, spread([1], channels), spread(numbers, channels))
      return { ...value, id }
    }
    case 'channel':
      return { ...value, offset: value.offset + number }
    case 'length':
      throw node.unsupported('another use of a length than to divide by it')
    default:
      if (value.kind !== 'erf' || number !== 1 || numbers.length !== 1) {
        throw node.unsupported('another use of erf than that of GELU')
      }
      return { ...value, kind: 'bell' }
  }
}

const spread = (numbers: Factors, channels: number): Factors =>
  numbers.length === 1 ? Array<number>(channels).fill(numbers[0]!) : numbers

/** A constant as one number for all channels or one for each, wherever the axis of channels lies. */
function perChannel(
  { node, draft }: NodeReader,
  { dims, data }: Constant,
  value: GraphValue,
): Factors {
  if (data.length === 1 && dims.length <= 4) return Array.from(data)
  if (value.kind === 'layer') {
    const { channels, height } = draft.shape(value.id)
    const axes =
      height === undefined
        ? [1, channels]
        : value.channelsLast
          ? [1, 1, 1, channels]
          : [1, channels, 1, 1]
    const aligned = axes.slice(axes.length - dims.length)
    if (elementCount(dims) === channels && aligned.join() === dims.join()) return Array.from(data)
  }
  throw node.unsupported(
    `a constant of shape [${dims.join(', ')}], which is not one number for each channel`,
  )
}
