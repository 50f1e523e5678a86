/** A network of a few kilobytes: two layers, three features, three classes that follow red, green and blue. */
import { encodeInferenceGraph } from '../../src/features/inference-graph.ts'
import type { Network } from '../../src/tensor/network.ts'
import type { Weights } from '../../src/tensor/tensor.ts'

export const TINY_NETWORK: Network = {
  name: 'tiny',
  input: { size: 32, mean: 0, divisor: 255 },
  layers: [
    {
      ...{ op: 'conv', name: 'stem', input: -1, filters: 3, kernelSize: 3, stride: 2 },
      ...{ padding: 'same', groups: 1 },
    },
    { op: 'relu', input: 0 },
    { op: 'global-average-pool', input: 1 },
    { op: 'dense', name: 'logits', input: 2, units: 3 },
  ],
  outputs: { features: { layer: 2, width: 3 }, logits: { layer: 3, width: 3 } },
}

/** The taps of a filter add up to 1 in its own colour; `gain` tells two networks apart. */
export function tinyWeights(gain = 1): Weights {
  const kernel = Float32Array.from({ length: 81 }, (_, at) =>
    Math.floor(at / 27) === Math.floor(at / 9) % 3 ? gain / 9 : 0,
  )
  const dense = Float32Array.from({ length: 9 }, (_, at) => (at % 4 === 0 ? 10 : -1))
  return new Map([
    ['stem/kernel', { dims: [3, 3, 3, 3], data: kernel }],
    ['stem/bias', { dims: [3], data: new Float32Array(3) }],
    ['logits/kernel', { dims: [3, 3], data: dense }],
    ['logits/bias', { dims: [3], data: Float32Array.of(0, 0.1, 0.2) }],
  ])
}

export const encodeTinyNetwork = (gain?: number): Uint8Array =>
  encodeInferenceGraph(TINY_NETWORK, tinyWeights(gain))
