/** Pools and reductions over height and width. */
import { type Padding, toPair } from '../../../tensor/network.ts'
import { normalAxis } from './axes.ts'
import type { Call } from './evaluate.ts'
import { attribute, listAttribute } from './graph.ts'
import { affine, type LayerCall, type LayerOperator, refuse, same, whole } from './layer-call.ts'
import type { Axis, LayerValue } from './value.ts'
import { mapAxes, paddingOf, perAxis } from './windows.ts'

export const pool =
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

/**
 * An average that counts no zeros around the map, as it is written where the padding is a node of its own: the average of
 * all, divided by the share of each window that lies inside.
 */
export function averageInside(call: LayerCall): LayerValue | undefined {
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

/** Mean, maximum or sum over height and width. */
export const reduce =
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
