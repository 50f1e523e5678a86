/** A backbone with a classifier of its own on top, and back. */
import { onlyOutputs } from '../../backbones/inner-features.ts'
import { denseKernel } from '../../backbones/readers/foreign/permute.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Network } from '../../tensor/network.ts'
import type { FloatTensor, Weights } from '../../tensor/tensor.ts'

/** Name of the layer; no architecture has one of this name. */
const HEAD = 'tuned-head'

/** The network at this side that gives features, and nothing else. */
export const featureNetwork = (network: Network, size: number): Network =>
  onlyOutputs({ ...network, input: { ...network.input, size } }, ['features'])

/** The same with `logits` of so many classes. */
export function withHead(network: Network, classes: number): Network {
  const { features } = network.outputs
  if (features === undefined) throw new RangeError(`Expected features of ${network.name}`)
  const layers = [
    ...network.layers,
    { op: 'dense', name: HEAD, input: features.layer, units: classes } as const,
  ]
  return {
    ...network,
    layers,
    outputs: { features, logits: { layer: layers.length - 1, width: classes } },
  }
}

/** The tensors of a head `[width, classes]` as its layer has them. */
export function headTensors({ weights, bias }: LinearHead): [string, FloatTensor][] {
  const classes = bias.length
  const width = weights.length / classes
  return [
    [`${HEAD}/kernel`, denseKernel({ dims: [width, classes], data: weights })],
    [`${HEAD}/bias`, { dims: [classes], data: bias }],
  ]
}

/** The head among weights. */
export function headOf(weights: Weights): LinearHead {
  const kernel = weights.get(`${HEAD}/kernel`)
  const bias = weights.get(`${HEAD}/bias`)
  if (kernel === undefined || bias === undefined) throw new RangeError('Expected a tuned head')
  return { weights: denseKernel(kernel).data, bias: bias.data }
}

/**
 * share · learned + (1 − share) · start, for each tensor that was learned: on the way from one to the other a network keeps
 * more of what it knew of photos unlike those that it learned from (Wortsman et al. 2021, https://arxiv.org/abs/2109.01903).
 */
export const blendWeights = (start: Weights, learned: Weights, share: number): Weights =>
  new Map(
    [...learned].map(([name, { dims, data }]) => {
      const before = start.get(name)?.data
      if (before === undefined) throw new RangeError(`Expected ${name} before it was learned`)
      return [
        name,
        {
          dims,
          data: data.map((value, at) => share * value + (1 - share) * (before[at] ?? Number.NaN)),
        },
      ]
    }),
  )
