/** What a training keeps from step to step: its values before the first, and the weights that it has made. */
import { requireWeight } from '../emit-onnx.ts'
import { foldBatchNorm } from '../fold-batch-norm.ts'
import { elementCount, type FloatTensor, type Weights } from '../tensor.ts'
import { NORM_EPSILON } from './batch-norm.ts'
import { MOMENTS } from './optimisers.ts'
import type {
  ConvStatistics,
  StateTensor,
  TrainingOptions,
  TrainingState,
  TrainingStep,
} from './training-step.ts'

/** The moving average of a weight. */
export const averageName = (weight: string): string => `${weight}#average`

/** Weights, moments, moving averages and running statistics before the first step, in this order. */
export function initialState(
  network: string,
  weights: Weights,
  parameters: readonly StateTensor[],
  {
    optimiser,
    averageDecay,
    batchNorm,
  }: Pick<TrainingOptions, 'optimiser' | 'averageDecay' | 'batchNorm'>,
): ReadonlyMap<string, FloatTensor> {
  const normPart = (name: string): Float32Array | undefined => {
    const [, layer = '', part] = /^(.*)[/#](gamma|beta|mean|variance)$/.exec(name) ?? []
    const statistics = batchNorm === 'frozen' ? undefined : batchNorm.statistics.get(layer)
    if (statistics === undefined || part === undefined) return undefined
    return openNorm(weights, layer, statistics)[part as 'gamma']
  }
  const valuesOf = ({ name, dims }: StateTensor) =>
    normPart(name) ?? requireWeight(network, weights, name, dims).data
  const zeros = (dims: readonly number[]) => new Float32Array(elementCount(dims))
  const tensor = (name: string, dims: readonly number[], data: Float32Array) =>
    [name, { dims, data }] as const
  return new Map([
    ...parameters.map((each) => tensor(each.name, each.dims, valuesOf(each))),
    ...parameters.flatMap(({ name, dims }) =>
      MOMENTS[optimiser.kind].map((moment) => tensor(`${name}#${moment}`, dims, zeros(dims))),
    ),
    ...(averageDecay === undefined ? [] : parameters).map((each) =>
      tensor(averageName(each.name), each.dims, Float32Array.from(valuesOf(each))),
    ),
    ...parameters.flatMap(({ name, dims }) => {
      if (!name.endsWith('/gamma')) return []
      const layer = name.slice(0, name.lastIndexOf('/'))
      return [`${layer}#mean`, `${layer}#variance`].map((key) =>
        tensor(key, dims, normPart(key) ?? zeros(dims)),
      )
    }),
  ])
}

/**
 * The weights that trained, by their names in the network, batch norm folded; those of the moving average where `averaged`.
 * Together with the weights that did not train they make the network that serves.
 */
export function trainedWeights(
  { parameters }: Pick<TrainingStep, 'parameters'>,
  { tensors }: TrainingState,
  { averaged }: { readonly averaged: boolean },
): Weights {
  const read = (key: string): FloatTensor => {
    const tensor = tensors.get(key)
    if (tensor === undefined) throw new RangeError(`Expected a state with ${key}`)
    return tensor
  }
  const value = (name: string) => read(averaged ? averageName(name) : name)
  const weights = new Map<string, FloatTensor>()
  for (const { name } of parameters) {
    const layer = name.slice(0, name.lastIndexOf('/'))
    if (name.endsWith('/gamma')) {
      const { kernel, bias } = foldBatchNorm(value(`${layer}/kernel`), {
        gamma: value(name),
        beta: value(`${layer}/beta`),
        mean: read(`${layer}#mean`),
        variance: read(`${layer}#variance`),
        epsilon: NORM_EPSILON,
      })
      weights.set(`${layer}/kernel`, kernel).set(`${layer}/bias`, bias)
    } else if (!name.endsWith('/beta')) weights.set(name, value(name))
  }
  return weights
}

/**
 * The batch norm of a folded convolution. With x the convolution without its bias b, γ · (x − μ) / σ + β = x + b where γ = σ and
 * β = b + μ; the statistics that came in are those of x + b.
 */
function openNorm(
  weights: Weights,
  layer: string,
  { mean, variance }: ConvStatistics,
): Readonly<Record<'gamma' | 'beta' | 'mean' | 'variance', Float32Array>> {
  const bias = weights.get(`${layer}/bias`)?.data
  return {
    gamma: variance.map((value) => Math.sqrt(value + NORM_EPSILON)),
    beta: mean,
    mean: mean.map((value, channel) => value - (bias?.[channel] ?? 0)),
    variance,
  }
}
