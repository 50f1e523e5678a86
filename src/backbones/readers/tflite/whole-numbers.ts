/**
 * The arithmetic of 8 bit as TensorFlow's own interpreter does it: sums of whole numbers, which float32 holds exactly,
 * times a factor, rounded and clipped. Nothing less gives its answers: after fifty layers, one sum that is rounded the
 * other way has changed a third of all numbers. The rules of rounding are XNNPACK's, which the interpreter uses
 * (https://github.com/google/XNNPACK/blob/master/src/operators/convolution-nhwc.c and
 * https://github.com/google/XNNPACK/blob/master/src/microparams-init.c, `xnn_init_qs8_add_minmax_scalar_params`).
 */
import type { LayerId } from '../../../tensor/network.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import type { Keeping, Value } from './operator-place.ts'

/** A sum of 32 bit never leaves this range: the clip changes nothing, and keeps a runtime from merging the factor into the kernel. */
const SUM_BOUND = 2 ** 31

/** Numbers of `ActivationFunctionType`. */
const RELU = 1
const RELU6 = 3

/** Whether an activation that comes with an operator is no more than a bound of what is kept. */
export const isBound = (activation: number): boolean =>
  activation === 0 || activation === RELU || activation === RELU6

/** Keeps the sums of a convolution: times one factor a filter, rounded, clipped. */
export function keepSums(
  draft: NetworkDraft,
  name: string,
  sums: LayerId,
  factors: readonly number[],
  keeping: Keeping,
  activation: number,
): Value {
  const layer = draft.add({ op: 'clip', input: sums, least: -SUM_BOUND, most: SUM_BOUND }, name)
  const scaled = draft.scale(
    name,
    layer,
    factors,
    factors.map(() => 0),
  )
  return clip(
    draft,
    name,
    draft.add({ op: 'round', input: scaled, halves: 'even' }, name),
    keeping,
    activation,
  )
}

/** One factor a filter, with the roundings of float32 that the interpreter has. */
export function factorsOf(
  inputStep: number,
  scales: readonly number[],
  outputStep: number,
  filters: number,
): number[] {
  return Array.from({ length: filters }, (_, filter) =>
    Math.fround(Math.fround(inputStep * (scales[filter] ?? scales[0] ?? 0)) / outputStep),
  )
}

/** A sum of two results in 8 bit: factors of 20 bits, halves up. */
export function keepSum(
  draft: NetworkDraft,
  name: string,
  values: readonly [Value & { step: number }, Value & { step: number }],
  keeping: Keeping,
  activation: number,
): Value {
  const factors = values.map(({ step }) => Math.fround(step / keeping.step))
  const bits = 20 - Math.floor(Math.log2(Math.max(...factors)))
  const [left, right] = values.map(({ layer }, at) => {
    const factor = Math.round(factors[at]! * 2 ** bits) / 2 ** bits
    return scaleAll(draft, name, layer, factor)
  }) as [LayerId, LayerId]
  const sum = draft.add({ op: 'add', inputs: [left, right] }, name)
  return clip(
    draft,
    name,
    draft.add({ op: 'round', input: sum, halves: 'up' }, name),
    keeping,
    activation,
  )
}

/** Keeps a result in other steps than it has, or a real one. */
export function keep(
  draft: NetworkDraft,
  name: string,
  { layer, step = 1 }: Value,
  keeping: Keeping,
): Value {
  const scaled = scaleAll(draft, name, layer, step / keeping.step)
  return clip(
    draft,
    name,
    draft.add({ op: 'round', input: scaled, halves: 'even' }, name),
    keeping,
    0,
  )
}

/** Real numbers of a result. */
export function toReal(draft: NetworkDraft, name: string, { layer, step }: Value): LayerId {
  return step === undefined ? layer : scaleAll(draft, name, layer, step)
}

function scaleAll(draft: NetworkDraft, name: string, input: LayerId, factor: number): LayerId {
  const { channels } = draft.shape(input)
  return draft.scale(
    name,
    input,
    new Float32Array(channels).fill(factor),
    new Float32Array(channels),
  )
}

function clip(
  draft: NetworkDraft,
  name: string,
  input: LayerId,
  keeping: Keeping,
  activation: number,
): Value {
  const { step } = keeping
  const least = activation === 0 ? keeping.least : Math.max(keeping.least, 0)
  const most = activation === RELU6 ? Math.min(keeping.most, Math.round(6 / step)) : keeping.most
  return { layer: draft.add({ op: 'clip', input, least, most }, name), step }
}
