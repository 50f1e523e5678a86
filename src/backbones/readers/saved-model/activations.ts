/** Activations, also those that a graph writes in several nodes. */
import type { Activation, Layer, LayerId } from '../../../tensor/network.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import type { Call } from './evaluate.ts'
import { type LayerCall, type LayerOperator, refuse, same, UNBOUNDED } from './layer-call.ts'
import type { LayerValue } from './value.ts'

export const activate =
  (op: Activation, alpha?: (call: Call) => number): LayerOperator =>
  (call) =>
    addActivation(call, op, alpha?.(call))

function addActivation({ draft, x, place }: LayerCall, op: Activation, alpha?: number): LayerValue {
  const layer = { op, input: x.layer, ...(alpha === undefined ? {} : { alpha }) }
  return same(x, draft.add(layer, place))
}

/** The activation that `x · gate` is, where the gate is made of `x`. */
export function gateOf(
  draft: NetworkDraft,
  x: LayerId,
  gate: LayerId,
): 'silu' | 'hard-swish' | undefined {
  const layer = draft.layers[gate]
  if (layer?.op === 'sigmoid') return layer.input === x ? 'silu' : undefined
  if (!isScale(draft, layer, 1 / 6, 0)) return undefined
  const relu6 = draft.layers[layer.input]
  if (relu6?.op !== 'relu6') return undefined
  const shifted = draft.layers[relu6.input]
  return isScale(draft, shifted, 1, 3) && shifted.input === x ? 'hard-swish' : undefined
}

export function isScale(
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

/** `e^x − 1` of what is at most 0: a half of `elu`. */
export const expm1: LayerOperator = (call) => {
  const { draft, x } = call
  const before = draft.layers[x.layer]
  if (before?.op !== 'clip' || before.most !== 0 || before.least > -UNBOUNDED) {
    throw refuse(call, 'an exponent of at most 0')
  }
  return { ...same(x, before.input), piece: { kind: 'expm1', factor: 1 } }
}

/** The error function, which classifiers know from `gelu` alone. */
export const erf: LayerOperator = (call) => {
  const { draft, x } = call
  const scaled = draft.layers[x.layer]
  if (!isScale(draft, scaled, Math.SQRT1_2, 0)) throw refuse(call, 'erf as a part of gelu')
  return { ...same(x, scaled.input), piece: { kind: 'erf' } }
}

export const round: LayerOperator = ({ draft, x, place }) =>
  same(x, draft.add({ op: 'round', input: x.layer, halves: 'even' }, place))

export const floor: LayerOperator = (call) => {
  const { draft, x, place } = call
  const before = draft.layers[x.layer]
  if (!isScale(draft, before, 1, 0.5)) throw refuse(call, 'a floor that rounds')
  return same(x, draft.add({ op: 'round', input: before.input, halves: 'up' }, place))
}

/** The root of what is never negative. */
export const root: LayerOperator = (call) => {
  const { draft, x } = call
  const before = draft.layers[x.layer]
  if (before?.op !== 'relu') throw refuse(call, 'a root of what a relu gives')
  return same(x, draft.add({ op: 'root', input: before.input }, call.place))
}

export const softmax: LayerOperator = (call) => {
  const { x } = call
  if (x.axes.at(-1) !== 'c') throw refuse(call, 'a softmax over the classes')
  return addActivation(call, 'softmax')
}
