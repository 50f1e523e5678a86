/** Weights that a network could have, the same at every run. */
import { createRandom } from '../../src/learn/random.ts'
import { INPUT, type Layer, type Network, toPair } from '../../src/tensor/network.ts'
import { inferShapes } from '../../src/tensor/network-shapes.ts'
import { elementCount, type FloatTensor, type Weights } from '../../src/tensor/tensor.ts'

/** Kernels keep the size of what passes through them (He et al. 2015), offsets are small. */
export function randomWeights(network: Network, seed = 1): Weights {
  const random = createRandom(seed)
  const shapes = inferShapes(network)
  const weights = new Map<string, FloatTensor>()
  const add = (name: string, dims: readonly number[], reach: number, around = 0): void => {
    const data = Float32Array.from(
      { length: elementCount(dims) },
      () => around + (2 * random.next() - 1) * reach,
    )
    weights.set(name, { dims, data })
  }
  for (const layer of network.layers) {
    const channels = inputChannels(layer, (id) => (id === INPUT ? 3 : (shapes[id]?.channels ?? 0)))
    if (layer.op === 'conv') {
      const dims = [layer.filters, channels / layer.groups, ...toPair(layer.kernelSize)]
      add(`${layer.name}/kernel`, dims, Math.sqrt(6 / elementCount(dims.slice(1))))
      add(`${layer.name}/bias`, [layer.filters], 0.1)
    } else if (layer.op === 'dense') {
      add(`${layer.name}/kernel`, [layer.units, channels], Math.sqrt(6 / channels))
      add(`${layer.name}/bias`, [layer.units], 0.1)
    } else if (layer.op === 'scale') {
      add(`${layer.name}/scale`, [channels], 0.5, 1)
      add(`${layer.name}/offset`, [channels], 0.5)
    }
  }
  return weights
}

const inputChannels = (layer: Layer, channelsOf: (id: number) => number): number =>
  'input' in layer ? channelsOf(layer.input) : 0
