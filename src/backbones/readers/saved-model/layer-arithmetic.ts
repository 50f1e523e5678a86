/** Sums, products and bounds, with constants and with each other. */
import type { Layer, LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import { denseKernel } from '../foreign/permute.ts'
import { gateOf, isScale } from './activations.ts'
import { attribute } from './graph.ts'
import {
  affine,
  channelsOf,
  constant,
  floats,
  type LayerCall,
  type LayerOperator,
  refuse,
  refusePiece,
  same,
  scalar,
  UNBOUNDED,
} from './layer-call.ts'
import { perChannel } from './per-channel.ts'
import { averageInside } from './pools.ts'
import type { LayerValue, Value } from './value.ts'
import { mapAxes } from './windows.ts'

/** Between two numbers, one of which may be infinite. */
export function clip(call: LayerCall, low: number, high: number): LayerValue {
  const { x, draft, place } = call
  if (!(high > low)) throw refuse(call, `two bounds, received ${low} and ${high}`)
  const input = x.layer
  const [least, most] = [Math.max(low, -UNBOUNDED), Math.min(high, UNBOUNDED)]
  const before = draft.layers[input]
  // The two halves of one clip.
  if (
    before?.op === 'clip' &&
    before.least === -UNBOUNDED &&
    most === UNBOUNDED &&
    least < before.most
  ) {
    const layer: Layer = { op: 'clip', input: before.input, least, most: before.most }
    return same(x, draft.add(layer, place))
  }
  if (least === 0 && most === UNBOUNDED) return same(x, draft.add({ op: 'relu', input }, place))
  if (least === 0 && most === 6) return same(x, draft.add({ op: 'relu6', input }, place))
  return same(x, draft.add({ op: 'clip', input, least, most }, place))
}

export const minimum: LayerOperator = (call) => {
  const { x, draft } = call
  const bound = scalar(call, call.inputs[0] === x ? 1 : 0)
  const before = draft.layers[x.layer]
  // The two halves of a clip between 0 and a number.
  if (before?.op === 'relu' && bound > 0)
    return clip({ ...call, x: same(x, before.input) }, 0, bound)
  return clip(call, Number.NEGATIVE_INFINITY, bound)
}

export const maximum: LayerOperator = (call) =>
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

export const add: LayerOperator = (call) => {
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

export const subtract: LayerOperator = (call) => {
  const both = bothLayers(call)
  if (both === undefined) {
    return scaleBy(call, (by, reversed) => (reversed ? [-1, by] : [1, -by]))
  }
  const [left, right] = both
  const layer = { op: 'add', inputs: [left.layer, affine(call, right, -1, 0).layer] } as const
  return same(left, call.draft.add(layer, call.place))
}

export const multiply: LayerOperator = (call) => {
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

export const divide: LayerOperator = (call) => {
  if (bothLayers(call) !== undefined) throw refuse(call, 'a division by a constant')
  const average = averageInside(call)
  if (average !== undefined) return average
  return scaleBy(call, (by, reversed) => {
    if (reversed) throw refuse(call, 'a division by a constant')
    return [1 / by, 0]
  })
}

/** Several maps or vectors added up. */
export const addAll: LayerOperator = (call) => {
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

export const batchNorm: LayerOperator = (call) => {
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

export const multiplyMatrices: LayerOperator = (call) => {
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

/** A dropout that chooses between what it keeps and zeros; its condition counts as the share that is kept. */
export function keepsChosen(call: LayerCall): Value {
  const [, yes, no] = call.inputs
  const kept = scalar(call, 0)
  if (yes?.kind !== 'layer' || no?.kind !== 'constant' || no.data.some((value) => value !== 0)) {
    throw refuse(call, 'a choice between a map and zeros')
  }
  return affine(call, yes, kept, 0)
}
