/** Operators of networks: each adds layers to the draft. */
import {
  type Activation,
  type Layer,
  type LayerId,
  type Padding,
  toPair,
} from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import { convKernel, denseKernel, depthwiseKernel } from '../foreign/permute.ts'
import { type Constant, wholeNumbers } from './constant.ts'
import type { Call } from './evaluate.ts'
import { expandDims, normalAxis } from './fold-constants.ts'
import { attribute, listAttribute, textAttribute } from './graph.ts'
import { perChannel } from './per-channel.ts'
import type { Reading } from './reading.ts'
import type { Axis, LayerValue, Piece, Value } from './value.ts'

/** A call whose first layer is `x`. */
interface LayerCall extends Call {
  readonly x: LayerValue
  readonly draft: NetworkDraft
  readonly reading: Reading
}

type LayerOperator = (call: LayerCall) => Value

/** Adds what an operator does to a network. Throws `model_unsupported` naming the node where that is nothing known. */
export function addLayer(call: Call, reading: Reading): Value {
  const { node, place } = call
  const operator = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined
  const x = call.inputs.find((input) => input.kind === 'layer')
  if (operator === undefined || x === undefined) {
    throw unsupportedModel(`Expected an operator of image classifiers, received ${place}`)
  }
  for (const input of call.inputs) {
    const piece = input.kind === 'layer' ? input.piece : undefined
    if (piece !== undefined && !READERS[piece.kind].includes(node.op)) {
      throw refuse(call, `the rest of a layer that began as ${piece.kind}`)
    }
  }
  return operator({ ...call, x, draft: reading.draft, reading })
}

/** What may follow on the beginning of a layer. */
const READERS: Readonly<Record<Piece['kind'], readonly string[]>> = {
  dealt: ['Conv2D', 'DepthwiseConv2dNative', 'BatchToSpaceND'],
  margin: ['MaxPool', 'MaxPoolV2'],
  channels: ['Conv2D'],
  group: ['ConcatV2', 'Concat'],
  expm1: ['Mul', 'Add', 'AddV2'],
  erf: ['Add', 'AddV2'],
  'erf-share': ['Mul'],
}

const refuse = ({ place }: Pick<Call, 'place'>, expected: string) =>
  unsupportedModel(`${place}: expected ${expected}`)

/** An input that must be a constant. */
function constant(call: Call, at: number): Constant {
  const value = call.inputs[at]
  if (value?.kind === 'constant') return value
  throw refuse(call, `a constant as input ${at}, received something that is computed`)
}

function scalar(call: Call, at: number): number {
  const { data } = constant(call, at)
  if (data.length === 1 && !Number.isNaN(data[0])) return data[0]!
  throw refuse(call, `one known number as input ${at}`)
}

/** Known whole numbers. */
function whole(call: Call, at: number): number[] {
  const numbers = [...constant(call, at).data]
  if (numbers.every(Number.isSafeInteger)) return numbers
  throw refuse(call, `known whole numbers as input ${at}`)
}

function floats(call: Call, at: number, rank: number): FloatTensor {
  const { dims, data } = constant(call, at)
  if (dims.length !== rank) {
    throw invalidModel(`${call.place}: expected ${rank} axes, received [${dims.join(', ')}]`)
  }
  return { dims, data: data instanceof Float32Array ? data : Float32Array.from(data) }
}

const channelsOf = ({ draft, x }: LayerCall, value = x): number => draft.shape(value.layer).channels

const same = (x: LayerValue, layer: LayerId): LayerValue => ({ ...x, layer })

/** The order of axes that the node says; refuses maps that lie otherwise. */
function mapAxes(call: LayerCall): readonly Axis[] {
  const format = textAttribute(call.node, 'data_format', 'NHWC')
  const axes: readonly Axis[] = format === 'NCHW' ? ['n', 'c', 'h', 'w'] : ['n', 'h', 'w', 'c']
  if (call.x.axes.join() === axes.join()) return axes
  throw refuse(call, `a map with axes ${axes.join()}, received ${call.x.axes.join()}`)
}

/** Height and width of an attribute that has a number for each axis. */
function perAxis(values: readonly number[], axes: readonly Axis[], call: Call): [number, number] {
  if (values.length === 0) return [1, 1]
  const of = (axis: Axis) => values[axes.indexOf(axis)]!
  if (values.length !== 4 || of('n') !== 1 || of('c') !== 1) {
    throw refuse(call, `numbers for height and width alone, received [${values.join(', ')}]`)
  }
  const pair: [number, number] = [of('h'), of('w')]
  if (pair.every((value) => Number.isSafeInteger(value) && value > 0)) return pair
  throw invalidModel(`${call.place}: expected positive numbers, received [${values.join(', ')}]`)
}

function paddingOf(call: Call, axes: readonly Axis[]): Padding {
  const padding = textAttribute(call.node, 'padding', 'VALID')
  if (padding === 'SAME') return 'same'
  if (padding === 'VALID') return 'valid'
  const list = listAttribute(call.node, 'explicit_paddings')
  if (padding !== 'EXPLICIT' || list.length !== 8) throw refuse(call, 'a padding, received another')
  return pads(list, axes, call)
}

/** `[top, left, bottom, right]` of pairs for each axis. */
function pads(
  list: readonly number[],
  axes: readonly Axis[],
  call: Call,
): readonly [number, number, number, number] {
  const of = (axis: Axis) => [
    list[2 * axes.indexOf(axis)] ?? 0,
    list[2 * axes.indexOf(axis) + 1] ?? 0,
  ]
  const [[top, bottom], [left, right]] = [of('h'), of('w')] as [number[], number[]]
  const zeros = [top!, left!, bottom!, right!] as const
  if ([...of('n'), ...of('c')].some((count) => count !== 0) || zeros.some((count) => count < 0)) {
    throw refuse(call, 'a padding of height and width')
  }
  return zeros
}

const convolve =
  (kernelOf: (kernel: FloatTensor) => FloatTensor, depthwise: boolean): LayerOperator =>
  (call) => {
    const { node, draft, x } = call
    const axes = mapAxes(call)
    const kernel = floats(call, 1, 4)
    const channels = x.piece?.kind === 'channels' ? x.piece.size : channelsOf(call)
    const perGroup = depthwise ? 1 : kernel.dims[2]!
    const groups = channels / perGroup
    if (!Number.isSafeInteger(groups) || (depthwise && kernel.dims[2] !== channels)) {
      throw invalidModel(
        `${call.place}: expected a kernel for ${channels} channels, received [${kernel.dims.join(', ')}]`,
      )
    }
    const stride = perAxis(listAttribute(node, 'strides'), axes, call)
    const dilation = perAxis(listAttribute(node, 'dilations'), axes, call)
    const padding = paddingOf(call, axes)
    const addConv = (options: { padding: Padding; dilation: readonly [number, number] }) =>
      draft.conv(node.name, { input: x.layer, stride, groups, ...options }, kernelOf(kernel))
    const { piece } = x
    if (piece === undefined) return same(x, addConv({ padding, dilation }))
    if (piece.kind === 'channels' && groups === 1) {
      const group = { kernel: kernelOf(kernel), options: { stride, padding, dilation } }
      return { ...x, piece: { kind: 'group', begin: piece.begin, group } }
    }
    const isPlain = padding === 'valid' && [...stride, ...dilation].every((steps) => steps === 1)
    if (piece.kind !== 'dealt' || !isPlain) {
      throw refuse(call, 'a plain convolution of a part of a map')
    }
    const { block } = piece
    return {
      ...x,
      piece: { ...piece, convolve: (zeros) => addConv({ padding: zeros, dilation: block }) },
    }
  }

/** Deals a map out to several of every other position. */
const deal: LayerOperator = (call) => {
  const { x } = call
  const [down, across, ...more] = whole(call, 1)
  const [top = -1, bottom = -1, left = -1, right = -1] = whole(call, 2)
  const numbers = [down ?? 0, across ?? 0, top + 1, bottom + 1, left + 1, right + 1]
  if (x.axes.join() !== 'n,h,w,c' || more.length > 0 || numbers.some((number) => number < 1)) {
    throw refuse(call, 'a map and two steps')
  }
  const padding = [top, left, bottom, right] as const
  return { ...x, piece: { kind: 'dealt', block: [down!, across!], padding } }
}

/** Brings dealt positions together again. What is cropped was padded before: a convolution pads by as much less. */
const gather: LayerOperator = (call) => {
  const { x } = call
  const [top = 0, bottom = 0, left = 0, right = 0] = whole(call, 2)
  const { piece } = x
  const isDealt = piece?.kind === 'dealt' && whole(call, 1).join() === piece.block.join()
  if (!isDealt || piece.convolve === undefined) {
    throw refuse(call, 'what SpaceToBatchND dealt out and a convolution read')
  }
  const crops = [top, left, bottom, right]
  const padding = piece.padding.map((zeros, at) => zeros - crops[at]!)
  if (padding.some((zeros) => zeros < 0)) throw refuse(call, 'crops of what was padded')
  const [first = 0, second = 0, third = 0, fourth = 0] = padding
  const layer = piece.convolve([first, second, third, fourth])
  return { kind: 'layer', layer, axes: x.axes }
}

/** Some channels of a map. */
const slice: LayerOperator = (call) => {
  const { x, reading } = call
  const [begin, sizes] = [whole(call, 1), whole(call, 2)]
  const dims = reading.dims(x)
  const channel = x.axes.indexOf('c')
  const isWhole = dims.every(
    (size, at) => at === channel || (begin[at] === 0 && (sizes[at] === -1 || sizes[at] === size)),
  )
  const [from = -1, size = -1] = [begin[channel], sizes[channel]]
  if (!isWhole || x.axes.length !== 4 || from < 0 || size < 1 || from + size > dims[channel]!) {
    throw refuse(call, 'some channels of a map')
  }
  return { ...x, piece: { kind: 'channels', begin: from, size } }
}

/** Convolutions of all channels of a map, part by part, as one in groups; nothing where they are none. */
function joinGroups(call: LayerCall, parts: readonly LayerValue[]): LayerValue | undefined {
  const { draft, node, x } = call
  if (parts.every(({ piece }) => piece === undefined)) return undefined
  const groups = parts.flatMap(({ piece }) => (piece?.kind === 'group' ? [piece] : []))
  const [first] = groups
  const { channels } = draft.shape(x.layer)
  const size = channels / parts.length
  const fits = groups.every(
    ({ begin, group }, at) =>
      begin === at * size &&
      group.kernel.dims[1] === size &&
      group.kernel.dims.join() === first?.group.kernel.dims.join() &&
      JSON.stringify(group.options) === JSON.stringify(first.group.options),
  )
  const isOne = parts.every(({ layer }) => layer === x.layer)
  if (first === undefined || groups.length !== parts.length || !fits || !isOne) {
    throw refuse(call, 'convolutions of all channels of one map, one after the other')
  }
  const { options, kernel } = first.group
  const [filters = 0, ...rest] = kernel.dims
  const data = new Float32Array(kernel.data.length * groups.length)
  for (const [at, { group }] of groups.entries())
    data.set(group.kernel.data, at * kernel.data.length)
  const whole = { dims: [filters * groups.length, ...rest], data }
  const layer = draft.conv(node.name, { input: x.layer, groups: groups.length, ...options }, whole)
  return { kind: 'layer', layer, axes: x.axes }
}

const pool =
  (op: 'max-pool' | 'average-pool', inputsTell = false): LayerOperator =>
  (call) => {
    const { node, draft, x } = call
    const axes = mapAxes(call)
    const [sizes, strides] = inputsTell
      ? [whole(call, 1), whole(call, 2)]
      : [listAttribute(node, 'ksize'), listAttribute(node, 'strides')]
    const layer = {
      op,
      input: x.layer,
      kernelSize: perAxis(sizes, axes, call),
      stride: perAxis(strides, axes, call),
      padding:
        x.piece?.kind === 'margin' ? marginOf(call, axes, x.piece.padding) : paddingOf(call, axes),
    } as const
    return { kind: 'layer', layer: draft.add(layer, call.place), axes: x.axes }
  }

function marginOf(call: Call, axes: readonly Axis[], margin: Padding): Padding {
  if (paddingOf(call, axes) === 'valid') return margin
  throw refuse(call, 'one padding before a maximum, received two')
}

const activate =
  (op: Activation, alpha?: (call: Call) => number): LayerOperator =>
  (call) =>
    addActivation(call, op, alpha?.(call))

function addActivation({ draft, x, place }: LayerCall, op: Activation, alpha?: number): LayerValue {
  const layer = { op, input: x.layer, ...(alpha === undefined ? {} : { alpha }) }
  return same(x, draft.add(layer, place))
}

/** `x · scale + offset` with one number for all channels. */
function affine(
  { reading, draft, node }: LayerCall,
  x: LayerValue,
  scale: number,
  offset: number,
): LayerValue {
  const { channels } = draft.shape(x.layer)
  const all = (value: number) => Array<number>(channels).fill(value)
  return same(x, reading.scaled(node.name, x.layer, all(scale), all(offset)))
}

/** Between two numbers, one of which may be infinite. */
function clip(call: LayerCall, low: number, high: number): LayerValue {
  const { x, draft, place } = call
  if (!(high > low)) throw refuse(call, `two bounds, received ${low} and ${high}`)
  if (high === Number.POSITIVE_INFINITY) {
    const relu = draft.add({ op: 'relu', input: affine(call, x, 1, -low).layer }, place)
    return affine(call, same(x, relu), 1, low)
  }
  if (low === Number.NEGATIVE_INFINITY) {
    const relu = draft.add({ op: 'relu', input: affine(call, x, -1, high).layer }, place)
    return affine(call, same(x, relu), -1, high)
  }
  const layer: Layer =
    low === 0 && high === 6
      ? { op: 'relu6', input: x.layer }
      : { op: 'clip', input: x.layer, least: low, most: high }
  return same(x, draft.add(layer, place))
}

const minimum: LayerOperator = (call) => {
  const { x, draft } = call
  const bound = scalar(call, call.inputs[0] === x ? 1 : 0)
  const before = draft.layers[x.layer]
  // The two halves of a clip between 0 and a number.
  if (before?.op === 'relu' && bound > 0)
    return clip({ ...call, x: same(x, before.input) }, 0, bound)
  return clip(call, Number.NEGATIVE_INFINITY, bound)
}

const maximum: LayerOperator = (call) =>
  clip(call, scalar(call, call.inputs[0] === call.x ? 1 : 0), Number.POSITIVE_INFINITY)

interface Sides {
  /** Whether the constant comes first. */
  readonly reversed: boolean
  readonly by: number[]
}

/** The constant that a value meets, one number for each channel. */
function sides(call: LayerCall): Sides {
  const { x, inputs, place } = call
  const reversed = inputs[0] !== x
  const other = constant(call, reversed ? 0 : 1)
  // A bias has one axis, wherever the channels are.
  const axes = call.node.op.startsWith('BiasAdd') ? (['c'] as const) : x.axes
  const by = perChannel(other, axes, channelsOf(call), place)
  return { reversed, by }
}

function scaleBy(
  call: LayerCall,
  change: (by: number, reversed: boolean) => readonly [number, number],
): LayerValue {
  const { by, reversed } = sides(call)
  const pairs = by.map((number) => change(number, reversed))
  const [scale, offset] = [0, 1].map((at) => pairs.map((pair) => pair[at]!)) as [number[], number[]]
  return same(call.x, call.reading.scaled(call.node.name, call.x.layer, scale, offset))
}

/** The two layers of an operator that meets element by element. */
function bothLayers(call: LayerCall): [LayerValue, LayerValue] | undefined {
  const [left, right] = call.inputs
  if (left?.kind !== 'layer' || right?.kind !== 'layer') return undefined
  if (left.axes.join() === right.axes.join()) return [left, right]
  throw refuse(
    call,
    `two maps that lie alike, received axes ${left.axes.join()} and ${right.axes.join()}`,
  )
}

const add: LayerOperator = (call) => {
  const both = bothLayers(call)
  if (both === undefined) {
    if (call.x.piece?.kind === 'erf' && sides(call).by.every((value) => value === 1)) {
      return { ...call.x, piece: { kind: 'erf-share' } }
    }
    refusePiece(call)
    return scaleBy(call, (by) => [1, by])
  }
  const [left, right] = both
  for (const [relu, other] of [both, [right, left]] as const) {
    if (other.piece?.kind !== 'expm1') continue
    const before = call.draft.layers[relu.layer]
    if (before?.op !== 'relu' || before.input !== other.layer) break
    const layer = { op: 'elu', input: before.input, alpha: other.piece.factor } as const
    return same(relu, call.draft.add(layer, call.place))
  }
  refusePiece(call)
  const layer = { op: 'add', inputs: [left.layer, right.layer] } as const
  return same(left, call.draft.add(layer, call.place))
}

const subtract: LayerOperator = (call) => {
  const both = bothLayers(call)
  if (both === undefined) {
    return scaleBy(call, (by, reversed) => (reversed ? [-1, by] : [1, -by]))
  }
  const [left, right] = both
  const layer = { op: 'add', inputs: [left.layer, affine(call, right, -1, 0).layer] } as const
  return same(left, call.draft.add(layer, call.place))
}

const multiply: LayerOperator = (call) => {
  const both = bothLayers(call)
  if (both === undefined) {
    const { x } = call
    if (x.piece?.kind === 'expm1') {
      const [factor = 1, ...others] = new Set(sides(call).by)
      if (others.length > 0) throw refuse(call, 'one factor for all channels')
      return { ...x, piece: { kind: 'expm1', factor: x.piece.factor * factor } }
    }
    refusePiece(call)
    return scaleBy(call, (by) => [by, 0])
  }
  const { draft, place } = call
  const [left, right] = both
  for (const [x, share] of [both, [right, left]] as const) {
    if (share.piece?.kind !== 'erf-share') continue
    const gelu = (input: LayerId) => draft.add({ op: 'gelu', input }, place)
    if (x.layer === share.layer) return affine(call, same(x, gelu(x.layer)), 2, 0)
    const half = draft.layers[x.layer]
    if (isScale(draft, half, 0.5, 0) && half.input === share.layer) return same(x, gelu(half.input))
  }
  refusePiece(call)
  for (const [x, gate] of [
    [left, right],
    [right, left],
  ] as const) {
    const op = gateOf(draft, x.layer, gate.layer)
    if (op !== undefined) return same(x, draft.add({ op, input: x.layer }, place))
  }
  return same(left, draft.add({ op: 'multiply', inputs: [left.layer, right.layer] }, place))
}

/** Refuses the beginning of a layer that goes on otherwise than it does anywhere known. */
function refusePiece(call: LayerCall): void {
  for (const input of call.inputs) {
    if (input.kind !== 'layer' || input.piece === undefined) continue
    throw refuse(call, `the rest of a layer that began as ${input.piece.kind}`)
  }
}

/** `e^x − 1` of what is at most 0: a half of `elu`. */
const expm1: LayerOperator = (call) => {
  const { draft, x } = call
  const turned = draft.layers[x.layer]
  const relu = isScale(draft, turned, -1, 0) ? draft.layers[turned.input] : undefined
  const before = relu?.op === 'relu' ? draft.layers[relu.input] : undefined
  if (!isScale(draft, before, -1, 0)) throw refuse(call, 'an exponent of at most 0')
  return { ...same(x, before.input), piece: { kind: 'expm1', factor: 1 } }
}

/** The error function, which classifiers know from `gelu` alone. */
const erf: LayerOperator = (call) => {
  const { draft, x } = call
  const scaled = draft.layers[x.layer]
  if (!isScale(draft, scaled, Math.SQRT1_2, 0)) throw refuse(call, 'erf as a part of gelu')
  return { ...same(x, scaled.input), piece: { kind: 'erf' } }
}

const round: LayerOperator = ({ draft, x, place }) =>
  same(x, draft.add({ op: 'round', input: x.layer, halves: 'even' }, place))

const floor: LayerOperator = (call) => {
  const { draft, x, place } = call
  const before = draft.layers[x.layer]
  if (!isScale(draft, before, 1, 0.5)) throw refuse(call, 'a floor that rounds')
  return same(x, draft.add({ op: 'round', input: before.input, halves: 'up' }, place))
}

/** The activation that `x · gate` is, where the gate is made of `x`. */
function gateOf(draft: NetworkDraft, x: LayerId, gate: LayerId): 'silu' | 'hard-swish' | undefined {
  const layer = draft.layers[gate]
  if (layer?.op === 'sigmoid') return layer.input === x ? 'silu' : undefined
  if (!isScale(draft, layer, 1 / 6, 0)) return undefined
  const relu6 = draft.layers[layer.input]
  if (relu6?.op !== 'relu6') return undefined
  const shifted = draft.layers[relu6.input]
  return isScale(draft, shifted, 1, 3) && shifted.input === x ? 'hard-swish' : undefined
}

function isScale(
  { weights }: NetworkDraft,
  layer: Layer | undefined,
  scale: number,
  offset: number,
): layer is Extract<Layer, { op: 'scale' }> {
  if (layer?.op !== 'scale') return false
  const all = (which: string, value: number) =>
    weights.get(`${layer.name}/${which}`)?.data.every((found) => Math.abs(found - value) < 1e-6)
  return all('scale', scale) === true && all('offset', offset) === true
}

const divide: LayerOperator = (call) => {
  if (bothLayers(call) !== undefined) throw refuse(call, 'a division by a constant')
  const average = averageInside(call)
  if (average !== undefined) return average
  return scaleBy(call, (by, reversed) => {
    if (reversed) throw refuse(call, 'a division by a constant')
    return [1 / by, 0]
  })
}

/** Several maps or vectors added up. */
const addAll: LayerOperator = (call) => {
  const { inputs, draft, place } = call
  const layers = inputs.filter((input) => input.kind === 'layer')
  const [first, ...rest] = layers
  if (first === undefined || layers.length !== inputs.length) {
    throw refuse(call, 'maps or vectors to be added up')
  }
  if (rest.some(({ axes }) => axes.join() !== first.axes.join())) {
    throw refuse(call, 'maps or vectors that lie alike')
  }
  const sum = rest.reduce(
    (left, { layer }) => draft.add({ op: 'add', inputs: [left, layer] }, place),
    first.layer,
  )
  return same(first, sum)
}

/** The root of what is never negative. */
const root: LayerOperator = (call) => {
  const { draft, x } = call
  const before = draft.layers[x.layer]
  if (before?.op !== 'relu') throw refuse(call, 'a root of what a relu gives')
  return same(x, draft.add({ op: 'root', input: before.input }, call.place))
}

const reverse: LayerOperator = (call) => {
  const { draft, x } = call
  const axes = whole(call, 1).map((axis) => x.axes[normalAxis(axis, x.axes.length, call)])
  if (axes.join() !== 'w')
    throw refuse(call, `left and right to be exchanged, received ${axes.join()}`)
  return same(x, draft.add({ op: 'mirror', input: x.layer }, call.place))
}

/**
 * An average that counts no zeros around the map, as it is written where the padding is a node of its own: the average of
 * all, divided by the share of each window that lies inside.
 */
function averageInside(call: LayerCall): LayerValue | undefined {
  const { inputs, x, draft, place } = call
  const pool = draft.layers[x.layer]
  const pad = pool?.op === 'average-pool' ? draft.layers[pool.input] : undefined
  const shares = inputs[1]
  if (pool?.op !== 'average-pool' || pad?.op !== 'pad' || pool.padding !== 'valid') return undefined
  if (shares?.kind !== 'constant' || x.axes.join() !== 'n,h,w,c') return undefined
  const { height: rows = 0, width: columns = 0 } = draft.shape(x.layer)
  if (shares.dims.join() !== [1, rows, columns, 1].join()) return undefined
  const { height = 0, width = 0 } = draft.shape(pad.input)
  const [taps, steps] = [toPair(pool.kernelSize), toPair(pool.stride)]
  const inside = (at: number, axis: 0 | 1, size: number) => {
    const start = at * steps[axis] - pad.padding[axis]!
    return (Math.min(size, start + taps[axis]) - Math.max(0, start)) / taps[axis]
  }
  const fits = shares.data.every((share, at) => {
    const row = Math.floor(at / columns)
    return Math.abs(share - inside(row, 0, height) * inside(at % columns, 1, width)) < 1e-6
  })
  if (!fits) return undefined
  return same(x, draft.add({ ...pool, input: pad.input, padding: pad.padding }, place))
}

const batchNorm: LayerOperator = (call) => {
  const { node, draft, x } = call
  if (attribute(node, 'is_training', 'b') !== false) {
    throw refuse(call, 'batch norm at inference, received one that is in training')
  }
  mapAxes(call)
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((at) => floats(call, at, 1)) as [
    FloatTensor,
    FloatTensor,
    FloatTensor,
    FloatTensor,
  ]
  const epsilon = attribute(node, 'epsilon', 'f') ?? 1e-4
  const layer = draft.batchNorm(node.name, x.layer, { gamma, beta, mean, variance, epsilon })
  return same(x, layer)
}

const multiplyMatrices: LayerOperator = (call) => {
  const { node, draft, x, inputs } = call
  const flips = (name: string) => attribute(node, name, 'b') ?? false
  if (inputs[0] !== x || flips('transpose_a') || flips('adj_x') || x.axes.join() !== 'n,c') {
    throw refuse(call, 'a product of features and a constant matrix')
  }
  const matrix = floats(call, 1, 2)
  const kernel = flips('transpose_b') || flips('adj_y') ? matrix : denseKernel(matrix)
  if (kernel.dims[1] !== channelsOf(call)) {
    throw invalidModel(
      `${call.place}: expected a matrix for ${channelsOf(call)} features, received [${matrix.dims.join(', ')}]`,
    )
  }
  return same(x, draft.dense(node.name, x.layer, kernel))
}

/** Mean, maximum or sum over height and width. */
const reduce =
  (op: 'global-average-pool' | 'global-max-pool', sums = false): LayerOperator =>
  (call) => {
    const { node, draft, x, place } = call
    const axes = whole(call, 1).map((axis) => x.axes[normalAxis(axis, x.axes.length, call)])
    if (axes.length !== 2 || !axes.includes('h') || !axes.includes('w')) {
      throw refuse(call, `a reduction over height and width, received ${axes.join()}`)
    }
    const { height = 1, width = 1 } = draft.shape(x.layer)
    const keeps = attribute(node, 'keep_dims', 'b') ?? false
    const layer = draft.add({ op, input: x.layer, staysMap: keeps }, place)
    const left = x.axes.filter((axis) => axis !== 'h' && axis !== 'w')
    const pooled: LayerValue = { kind: 'layer', layer, axes: keeps ? x.axes : left }
    return sums ? affine(call, pooled, height * width, 0) : pooled
  }

const concat =
  (axisFirst: boolean): LayerOperator =>
  (call) => {
    const { draft, place, inputs } = call
    const axisAt = axisFirst ? 0 : inputs.length - 1
    const parts = inputs.filter((_input, at) => at !== axisAt)
    const layers = parts.filter((part) => part.kind === 'layer')
    const [first] = layers
    if (first === undefined || layers.length !== parts.length) {
      throw refuse(call, 'maps to be joined, received something else among them')
    }
    const axis = first.axes[normalAxis(scalar(call, axisAt), first.axes.length, call)]
    if (axis !== 'c' || layers.some(({ axes }) => axes.join() !== first.axes.join())) {
      throw refuse(call, `maps to be joined by their channels, received axis ${axis}`)
    }
    const grouped = joinGroups({ ...call, x: first }, layers)
    if (grouped !== undefined) return grouped
    if (layers.length === 1) return first
    return same(first, draft.add({ op: 'concat', inputs: layers.map(({ layer }) => layer) }, place))
  }

/** What no maximum is in: the least number, or one that is as good. */
const LEAST = -1e30

const pad: LayerOperator = (call) => {
  const { draft, x, place, inputs } = call
  const fill = inputs.length > 2 ? scalar(call, 2) : 0
  if (fill !== 0 && fill > LEAST) throw refuse(call, 'a padding with zeros')
  const list = whole(call, 1)
  if (list.length !== 2 * x.axes.length || x.axes.length !== 4)
    throw refuse(call, 'a padding of a map')
  const padding = pads(list, x.axes, call)
  if (padding.every((count) => count === 0)) return x
  if (fill !== 0) return { ...x, piece: { kind: 'margin', padding } }
  return same(x, draft.add({ op: 'pad', input: x.layer, padding }, place))
}

const isSpatial = (axis: Axis): boolean => axis === 'h' || axis === 'w'

/** The value with these axes; what has no height and width is a vector. */
function withAxes({ draft, place, x }: LayerCall, axes: readonly Axis[]): LayerValue {
  const was = x.axes.some(isSpatial)
  const is = axes.some(isSpatial)
  if (was === is) return { ...x, axes }
  const layer = is
    ? draft.add({ op: 'to-map', input: x.layer }, place)
    : draft.vector(place, x.layer, 'fastest')
  return { kind: 'layer', layer, axes }
}

const squeeze: LayerOperator = (call) => {
  const { node, x, reading } = call
  const dims = reading.dims(x)
  const named = listAttribute(node, 'squeeze_dims').map((axis) =>
    normalAxis(axis, dims.length, call),
  )
  const goes = (at: number) => (named.length === 0 ? dims[at] === 1 : named.includes(at))
  const gone = x.axes.filter((_axis, at) => goes(at))
  if (!gone.every(isSpatial) || gone.some((axis) => dims[x.axes.indexOf(axis)] !== 1)) {
    throw refuse(call, 'an axis of height or width that has one position')
  }
  return withAxes(
    call,
    x.axes.filter((axis) => !gone.includes(axis)),
  )
}

const expand: LayerOperator = (call) => {
  const { x } = call
  const missing = (['h', 'w'] as const).find((axis) => !x.axes.includes(axis))
  if (missing === undefined) throw refuse(call, 'at most four axes')
  return withAxes(call, expandDims(x.axes, scalar(call, 1), missing, call))
}

const reshape: LayerOperator = (call) => {
  const { x, reading, draft, place } = call
  const before = reading.dims(x)
  const perPhoto = before.filter((size) => !Number.isNaN(size)).reduce((a, b) => a * b, 1)
  const sizes = [...constant(call, 1).data]
  const [batch = 0, ...rest] = sizes
  const known = rest.filter((size) => size !== -1).reduce((a, b) => a * b, 1)
  const after = rest.map((size) => (size === -1 ? perPhoto / known : size))
  const isBatch = Number.isNaN(batch) || batch === -1
  if (x.axes[0] !== 'n' || !isBatch || after.reduce((a, b) => a * b, 1) !== perPhoto) {
    throw refuse(call, `features for each photo, received the shape [${sizes.join(', ')}]`)
  }
  if (after.join() === before.slice(1).join()) return x
  if (after.length === 1) {
    if (x.axes.length === 4 && x.axes.slice(1).join() === 'c,h,w') {
      return { kind: 'layer', layer: draft.vector(place, x.layer, 'slowest'), axes: ['n', 'c'] }
    }
    const isOne = before.filter((size) => size > 1).length <= 1
    if (x.axes.slice(1).join() !== 'h,w,c' && !isOne) {
      throw refuse(call, `a map that is flattened, received axes ${x.axes.join()}`)
    }
    return { kind: 'layer', layer: draft.vector(place, x.layer, 'fastest'), axes: ['n', 'c'] }
  }
  const channels = channelsOf(call)
  const position = after.indexOf(channels)
  if (after.length === 3 && perPhoto === channels && position !== 1 && position >= 0) {
    return withAxes(call, position === 2 ? ['n', 'h', 'w', 'c'] : ['n', 'c', 'h', 'w'])
  }
  throw refuse(
    call,
    `a map to become a vector or a vector a map, received the shape [${sizes.join(', ')}]`,
  )
}

const transpose: LayerOperator = (call) => {
  const { x } = call
  const order = whole(call, 1)
  const axes = order.map((at) => x.axes[normalAxis(at, x.axes.length, call)]!)
  if (axes.length !== x.axes.length || new Set(axes).size !== axes.length) {
    throw invalidModel(
      `${call.place}: expected an order of ${x.axes.length} axes, received [${order}]`,
    )
  }
  return { ...x, axes }
}

const softmax: LayerOperator = (call) => {
  const { x } = call
  if (x.axes.at(-1) !== 'c') throw refuse(call, 'a softmax over the classes')
  return addActivation(call, 'softmax')
}

const OPERATORS: Readonly<Record<string, LayerOperator>> = {
  Add: add,
  AddN: addAll,
  AddV2: add,
  AvgPool: pool('average-pool'),
  BatchToSpaceND: gather,
  BiasAdd: add,
  BiasAddV1: add,
  Cast: ({ x }) => x,
  ClipByValue: (call) => clip(call, scalar(call, 1), scalar(call, 2)),
  Concat: concat(true),
  ConcatV2: concat(false),
  Conv2D: convolve(convKernel, false),
  DepthwiseConv2dNative: convolve(depthwiseKernel, true),
  Div: divide,
  Elu: activate('elu', () => 1),
  Erf: erf,
  ExpandDims: expand,
  Expm1: expm1,
  Floor: floor,
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  BatchMatMulV2: multiplyMatrices,
  BatchMatMulV3: multiplyMatrices,
  LeakyRelu: activate('leaky-relu', ({ node }) => attribute(node, 'alpha', 'f') ?? 0.2),
  MatMul: multiplyMatrices,
  Max: reduce('global-max-pool'),
  MaxPool: pool('max-pool'),
  MaxPoolV2: pool('max-pool', true),
  Maximum: maximum,
  Mean: reduce('global-average-pool'),
  Minimum: minimum,
  Mul: multiply,
  Neg: (call) => affine(call, call.x, -1, 0),
  Pad: pad,
  PadV2: pad,
  RealDiv: divide,
  Relu: activate('relu'),
  Relu6: activate('relu6'),
  Reshape: reshape,
  ReverseV2: reverse,
  Rint: round,
  Round: round,
  Select: keepsChosen,
  SelectV2: keepsChosen,
  Shape: ({ x, reading }) => wholeNumbers(reading.dims(x)),
  Sigmoid: activate('sigmoid'),
  Slice: slice,
  Softmax: softmax,
  Sqrt: root,
  Squeeze: squeeze,
  SpaceToBatchND: deal,
  Sub: subtract,
  Sum: reduce('global-average-pool', true),
  Tanh: activate('tanh'),
  Transpose: transpose,
}

/** A dropout that chooses between what it keeps and zeros; its condition counts as the share that is kept. */
function keepsChosen(call: LayerCall): Value {
  const [, yes, no] = call.inputs
  const kept = scalar(call, 0)
  if (yes?.kind !== 'layer' || no?.kind !== 'constant' || no.data.some((value) => value !== 0)) {
    throw refuse(call, 'a choice between a map and zeros')
  }
  return affine(call, yes, kept, 0)
}
