/** Maps joined, padded, turned, and turned into vectors and back. */
import { invalidModel } from '../foreign/model-errors.ts'
import { expandDims, normalAxis } from './axes.ts'
import { joinGroups } from './convolutions.ts'
import { listAttribute } from './graph.ts'
import {
  channelsOf,
  constant,
  type LayerCall,
  type LayerOperator,
  refuse,
  same,
  scalar,
  whole,
} from './layer-call.ts'
import type { Axis, LayerValue } from './value.ts'
import { pads } from './windows.ts'

export const concat =
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

export const pad: LayerOperator = (call) => {
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

export const squeeze: LayerOperator = (call) => {
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

export const expand: LayerOperator = (call) => {
  const { x } = call
  const missing = (['h', 'w'] as const).find((axis) => !x.axes.includes(axis))
  if (missing === undefined) throw refuse(call, 'at most four axes')
  return withAxes(call, expandDims(x.axes, scalar(call, 1), missing, call))
}

export const reshape: LayerOperator = (call) => {
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

export const transpose: LayerOperator = (call) => {
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

export const reverse: LayerOperator = (call) => {
  const { draft, x } = call
  const axes = whole(call, 1).map((axis) => x.axes[normalAxis(axis, x.axes.length, call)])
  if (axes.join() !== 'w')
    throw refuse(call, `left and right to be exchanged, received ${axes.join()}`)
  return same(x, draft.add({ op: 'mirror', input: x.layer }, call.place))
}
