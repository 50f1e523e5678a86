/**
 * How each ONNX operator becomes layers. Meaning of operators and their attributes, opsets 7 to 21:
 * https://github.com/onnx/onnx/blob/main/docs/Operators.md
 */
import type { Layer, LayerId, Padding } from '../../../tensor/network.ts'
import { permute } from '../foreign/permute.ts'
import { addConstant, addValues, multiplyConstant, multiplyValues } from './arithmetic.ts'
import { clip } from './clip.ts'
import { type Constant, toIntegers, toScalar } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'
import { flatten, reshape, sliceChannel, squeeze, transpose, unsqueeze } from './shapes.ts'
import { convPadding, poolPadding } from './windows.ts'

type Read = (reader: NodeReader) => GraphValue

const layerValue = (id: LayerId, channelsLast = false): LayerValue => ({
  kind: 'layer',
  id,
  channelsLast,
})

/** Adds a layer that works element by element or on channels wherever they lie. */
const addLike = (reader: NodeReader, like: LayerValue, layer: Layer): LayerValue =>
  layerValue(reader.draft.add(layer, reader.node.place), like.channelsLast)

const passed: Read = (reader) => reader.value(0)

const activation =
  (op: 'relu' | 'sigmoid' | 'tanh' | 'hard-swish'): Read =>
  (reader) => {
    const x = reader.layer(0)
    return addLike(reader, x, { op, input: x.id })
  }

/** The input as a map whose channels come first. */
function requireMap(reader: NodeReader): LayerId {
  const { id, channelsLast } = reader.layer(0)
  if (channelsLast || reader.shapeOf(id).height === undefined) {
    throw reader.node.unsupported('an input that is no map [n, channels, height, width]')
  }
  return id
}

function conv(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const input = requireMap(reader)
  const kernel = asFloats(node.requireConstant(1))
  if (kernel.dims.length !== 4) throw node.unsupported(`a kernel [${kernel.dims.join(', ')}]`)
  const bias = node.constant(2)
  const taps = kernel.dims.slice(2) as [number, number]
  const stride = pair(reader, 'strides')
  const dilation = pair(reader, 'dilations')
  const padding = convPadding(reader, input, { taps, stride, dilation })
  const options = {
    input,
    stride: squared(stride),
    padding,
    groups: node.integer('group', 1),
    ...(squared(dilation) === 1 ? {} : { dilation: squared(dilation) }),
  }
  return layerValue(
    draft.conv(
      weightName(reader),
      options,
      kernel,
      bias === undefined ? undefined : asFloats(bias),
    ),
  )
}

/** Weights that are called `<layer>/kernel` keep the name of their layer, as those that Verger wrote do. */
function weightName({ node }: NodeReader): string {
  const [, name] = /^([!-~]{1,120})\/kernel$/.exec(node.inputs[1] ?? '') ?? []
  return name ?? node.name
}

const asFloats = ({ dims, data }: Constant) => ({
  dims,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
})

function pair({ node }: NodeReader, attribute: string): [number, number] {
  const values = node.integers(attribute) ?? [1, 1]
  const [down, across] = values
  const fits =
    values.length === 2 && values.every((value) => Number.isSafeInteger(value) && value > 0)
  if (!fits) throw node.invalid(`${attribute} [${values.join(', ')}]`)
  return [down!, across!]
}

const squared = ([down, across]: [number, number]): number | [number, number] =>
  down === across ? down : [down, across]

const pool =
  (op: 'max-pool' | 'average-pool'): Read =>
  (reader) => {
    const { node, draft } = reader
    const input = requireMap(reader)
    if (!node.has('kernel_shape')) throw node.invalid('no kernel_shape')
    if (pair(reader, 'dilations').some((step) => step !== 1)) {
      throw node.unsupported('a dilation')
    }
    const taps = pair(reader, 'kernel_shape')
    const stride = pair(reader, 'strides')
    const counts = op === 'average-pool' && node.integer('count_include_pad', 0) !== 0
    const padding: Padding = poolPadding(reader, input, { taps, stride, counts })
    const layer = { input, kernelSize: squared(taps), stride: squared(stride), padding }
    return layerValue(
      draft.add(
        op === 'average-pool' && counts ? { op, ...layer, countsPadding: true } : { op, ...layer },
        node.place,
      ),
    )
  }

const globalPool =
  (op: 'global-average-pool' | 'global-max-pool'): Read =>
  (reader) =>
    layerValue(
      reader.draft.add({ op, input: requireMap(reader), staysMap: true }, reader.node.place),
    )

/** A mean or maximum over height and width. */
const reduce =
  (op: 'global-average-pool' | 'global-max-pool'): Read =>
  (reader) => {
    const { node, draft } = reader
    const { id, channelsLast } = reader.layer(0)
    const axes = node.axes(1, 4)?.sort((a, b) => a - b)
    const isMap = reader.shapeOf(id).height !== undefined
    if (!isMap || axes?.join() !== (channelsLast ? '1,2' : '2,3')) {
      throw node.unsupported(`the axes [${axes?.join(', ') ?? ''}]`)
    }
    const staysMap = node.integer('keepdims', 1) !== 0
    const layer: Layer = staysMap ? { op, input: id, staysMap } : { op, input: id }
    return layerValue(draft.add(layer, node.place), staysMap && channelsLast)
  }

function gemm(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const { id } = reader.layer(0)
  if (reader.shapeOf(id).height !== undefined || node.integer('transA', 0) !== 0) {
    throw node.unsupported('an input that is no vector for each photo')
  }
  const stored = asFloats(node.requireConstant(1))
  if (stored.dims.length !== 2) throw node.unsupported(`a kernel [${stored.dims.join(', ')}]`)
  const kernel = node.integer('transB', 0) === 0 ? permute(stored, [1, 0]) : stored
  const alpha = node.float('alpha', 1)
  const scaled = alpha === 1 ? kernel : { ...kernel, data: kernel.data.map((x) => x * alpha) }
  const beta = node.float('beta', 1)
  const bias = node.constant(2)
  const units = kernel.dims[0] ?? 0
  return layerValue(
    draft.dense(
      weightName(reader),
      id,
      scaled,
      bias === undefined ? undefined : biasOf(reader, bias, units, beta),
    ),
  )
}

function biasOf({ node }: NodeReader, { dims, data }: Constant, units: number, beta: number) {
  if (data.length !== 1 && data.length !== units) {
    throw node.unsupported(`a bias of shape [${dims.join(', ')}]`)
  }
  const values = Float32Array.from({ length: units }, (_, at) => {
    const value = data.length === 1 ? data[0]! : data[at]!
    return beta === 1 ? value : value * beta
  })
  return { dims: [units], data: values }
}

function matMul(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const { id } = reader.layer(0)
  const kernel = asFloats(node.requireConstant(1))
  if (reader.shapeOf(id).height !== undefined || kernel.dims.length !== 2) {
    throw node.unsupported('inputs that are not a vector and a matrix')
  }
  return layerValue(draft.dense(weightName(reader), id, permute(kernel, [1, 0])))
}

function batchNorm(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const x = reader.layer(0)
  if (node.integer('training_mode', 0) !== 0 || node.integer('spatial', 1) !== 1) {
    throw node.unsupported('statistics of its own batch or position')
  }
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((at) => asFloats(node.requireConstant(at)))
  const epsilon = node.float('epsilon', 1e-5)
  const norm = { gamma, beta, mean: mean!, variance: variance!, epsilon }
  return layerValue(draft.batchNorm(node.name, x.id, norm), x.channelsLast)
}

/** Bounds from attributes (before opset 11) or inputs. */
function clipNode(reader: NodeReader): GraphValue {
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
const bounded =
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

/** The length of a vector; nothing but a division by it asks for one. */
function reduceLength(reader: NodeReader): GraphValue {
  const { node } = reader
  const { id } = reader.layer(0)
  const isVector = reader.shapeOf(id).height === undefined
  const axes = node.axes(1, 2)
  if (!isVector || axes?.join() !== '1' || node.integer('keepdims', 1) === 0) {
    throw node.unsupported(`the axes [${axes?.join(', ') ?? ''}]`)
  }
  return { kind: 'length', of: id }
}

/** To 8 bit: what `DequantizeLinear` gives back, with one scale and zero point for all. */
function quantize(reader: NodeReader): GraphValue {
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

/** Least and most by the number of `TensorProto.DataType`. */
const UINT8 = 2
const QUANTIZED: Readonly<Record<number, readonly [number, number]>> = {
  [UINT8]: [0, 255],
  3: [-128, 127],
}

function dequantize(reader: NodeReader): GraphValue {
  const { node } = reader
  const scale = toScalar(node.requireConstant(1))
  const zeros = node.constant(2)
  const zero = zeros === undefined ? 0 : toScalar(zeros)
  if (scale === undefined || zero === undefined) throw node.unsupported('a scale for each channel')
  const moved = zero === 0 ? reader.layer(0) : addConstant(reader, reader.layer(0), [-zero])
  return multiplyConstant(reader, moved, [scale])
}

/** `max(0, min(1, alpha · x + beta))`. */
function hardSigmoid(reader: NodeReader): GraphValue {
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

function round(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  return addLike(reader, x, { op: 'round', input: x.id, halves: 'even' })
}

/** Rounding goes up from the middle, which a half less makes the greatest whole number below. */
function floor(reader: NodeReader): GraphValue {
  const x = addConstant(reader, reader.layer(0), [-0.5]) as LayerValue
  return addLike(reader, x, { op: 'round', input: x.id, halves: 'up' })
}

function leakyRelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const alpha = reader.node.float('alpha', 0.01)
  return addLike(reader, x, { op: 'leaky-relu', input: x.id, alpha })
}

/** With the same slope for all channels. */
function pRelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const { data } = reader.node.requireConstant(1)
  const [alpha] = data
  if (alpha === undefined || data.some((slope) => slope !== alpha)) {
    throw reader.node.unsupported('a slope for each channel')
  }
  return addLike(reader, x, { op: 'leaky-relu', input: x.id, alpha })
}

function elu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  return addLike(reader, x, { op: 'elu', input: x.id, alpha: reader.node.float('alpha', 1) })
}

function gelu(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const approximate = reader.node.text('approximate', 'none')
  if (approximate !== 'none') throw reader.node.unsupported(`the approximation ${approximate}`)
  return addLike(reader, x, { op: 'gelu', input: x.id })
}

/** `erf(x / √2)`: nothing but GELU asks for it. */
function erf(reader: NodeReader): GraphValue {
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

/** Over channels or features. */
function softmax(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  const isVector = reader.shapeOf(x.id).height === undefined
  const given = node.integer('axis', node.opset < 13 ? 1 : -1)
  const axis = given < 0 ? given + (isVector ? 2 : 4) : given
  if (axis !== (isVector || !x.channelsLast ? 1 : 3)) throw node.unsupported(`the axis ${given}`)
  return addLike(reader, x, { op: 'softmax', input: x.id })
}

/** Vectors divided by their length. */
function unit(reader: NodeReader): GraphValue {
  const { node } = reader
  const x = reader.layer(0)
  if (reader.shapeOf(x.id).height !== undefined || node.integer('p', 2) !== 2) {
    throw node.unsupported('something else than the length of a vector')
  }
  if (![1, -1].includes(node.integer('axis', -1))) throw node.unsupported('another axis')
  return addLike(reader, x, { op: 'unit', input: x.id })
}

/** Of what a Relu gives: elsewhere there would be no number. */
function squareRoot(reader: NodeReader): GraphValue {
  const x = reader.layer(0)
  const layer = reader.draft.layers[x.id]
  if (layer?.op !== 'relu') throw reader.node.unsupported('an input that is no result of Relu')
  return addLike(reader, x, { op: 'root', input: layer.input })
}

function logSoftmax(reader: NodeReader): GraphValue {
  if (!reader.isOutput) throw reader.node.unsupported('a place other than the end of the graph')
  return softmax(reader)
}

function concat(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const values = node.inputs.map((_, at) => reader.value(at))
  const [first] = values
  if (first?.kind === 'channel') return joinChannels(reader, values)
  const layers = node.inputs.map((_, at) => reader.layer(at))
  const isVector = reader.shapeOf(layers[0]!.id).height === undefined
  const { channelsLast } = layers[0]!
  const given = node.integer('axis', 1)
  const axis = given < 0 ? given + (isVector ? 2 : 4) : given
  const isChannels = axis === (!isVector && channelsLast ? 3 : 1)
  if (!isChannels || layers.some((layer) => layer.channelsLast !== channelsLast)) {
    throw node.unsupported(`the axis ${given}`)
  }
  if (layers.length === 1) return layers[0]!
  const id = draft.add({ op: 'concat', inputs: layers.map((layer) => layer.id) }, node.place)
  return layerValue(id, channelsLast)
}

/** All channels of one map again, each with a scale of its own. */
function joinChannels(reader: NodeReader, values: readonly GraphValue[]): GraphValue {
  const { node, draft } = reader
  const [first] = values
  const inOrder = values.every(
    (value, at) =>
      value.kind === 'channel' &&
      first?.kind === 'channel' &&
      value.of === first.of &&
      value.isMap &&
      value.channel === at,
  )
  const channels = values.filter((value) => value.kind === 'channel')
  const [{ of }] = channels as [(typeof channels)[number]]
  if (!inOrder || draft.shape(of).channels !== channels.length || node.integer('axis', 1) !== 1) {
    throw node.unsupported('channels of a map in another order')
  }
  const scales = channels.map(({ scale }) => scale)
  const offsets = channels.map(({ offset }) => offset)
  return layerValue(draft.scale(node.name, of, scales, offsets))
}

function pad(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const input = reader.layer(0)
  const given = node.constant(1)
  const pads = given === undefined ? node.integers('pads') : toIntegers(given)
  const value = node.isGiven(2) ? toScalar(node.requireConstant(2)) : node.float('value', 0)
  const axes = node.isGiven(3) ? toIntegers(node.requireConstant(3)) : [0, 1, 2, 3]
  const before = [0, 0, 0, 0]
  const after = [0, 0, 0, 0]
  for (const [at, axis] of axes.entries()) {
    const place = axis < 0 ? axis + 4 : axis
    before[place] = pads?.[at] ?? Number.NaN
    after[place] = pads?.[at + axes.length] ?? Number.NaN
  }
  const [down, across] = input.channelsLast ? [1, 2] : [2, 3]
  const others = [0, 1, 2, 3].filter((axis) => axis !== down && axis !== across)
  const padding = [before[down]!, before[across]!, after[down]!, after[across]!] as const
  const isPlain =
    node.text('mode', 'constant') === 'constant' &&
    value === 0 &&
    padding.every((zeros) => Number.isSafeInteger(zeros) && zeros >= 0) &&
    others.every((axis) => before[axis] === 0 && after[axis] === 0)
  if (!isPlain) throw node.unsupported('something else than zeros around height and width')
  if (padding.every((zeros) => zeros === 0)) return input
  return layerValue(
    draft.add({ op: 'pad', input: input.id, padding }, node.place),
    input.channelsLast,
  )
}

/** To floats; what is cut off or rounded would be something else than a network. */
function cast(reader: NodeReader): GraphValue {
  const to = reader.node.integer('to', 1)
  if (![1, 10, 11, 16].includes(to)) throw reader.node.unsupported(`the element type ${to}`)
  return reader.value(0)
}

const add: Read = (reader) => addValues(reader, 1)
const mean: Read = (reader) =>
  multiplyConstant(reader, addValues(reader, 1), [1 / reader.node.inputs.length])

export const OPERATORS: Readonly<Record<string, Read>> = {
  Add: add,
  AveragePool: pool('average-pool'),
  BatchNormalization: batchNorm,
  Cast: cast,
  Clip: clipNode,
  Concat: concat,
  Conv: conv,
  DequantizeLinear: dequantize,
  Div: (reader) => multiplyValues(reader, -1),
  Dropout: passed,
  Elu: elu,
  Erf: erf,
  Flatten: flatten,
  Floor: floor,
  Gather: sliceChannel,
  Gelu: gelu,
  Gemm: gemm,
  GlobalAveragePool: globalPool('global-average-pool'),
  GlobalMaxPool: globalPool('global-max-pool'),
  HardSigmoid: hardSigmoid,
  HardSwish: activation('hard-swish'),
  Identity: passed,
  LeakyRelu: leakyRelu,
  LogSoftmax: logSoftmax,
  LpNormalization: unit,
  MatMul: matMul,
  Max: bounded('min'),
  MaxPool: pool('max-pool'),
  Mean: mean,
  Min: bounded('max'),
  Mul: (reader) => multiplyValues(reader, 1),
  Neg: (reader) => multiplyConstant(reader, reader.value(0), [-1]),
  PRelu: pRelu,
  Pad: pad,
  QuantizeLinear: quantize,
  ReduceL2: reduceLength,
  ReduceMax: reduce('global-max-pool'),
  ReduceMean: reduce('global-average-pool'),
  Relu: activation('relu'),
  Reshape: reshape,
  Round: round,
  Sigmoid: activation('sigmoid'),
  Slice: sliceChannel,
  Softmax: softmax,
  Sqrt: squareRoot,
  Squeeze: squeeze,
  Sub: (reader) => addValues(reader, -1),
  Sum: add,
  Tanh: activation('tanh'),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}
