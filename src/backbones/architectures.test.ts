import { describe, expect, it } from 'vitest'
import { toPair } from '../tensor/network.ts'
import { inferShapes } from '../tensor/network-shapes.ts'
import { ARCHITECTURE_IDS, describeNetwork, findArchitecture } from './architectures.ts'

/** What Keras counts, and for Lite0 its authors, less the gamma, mean and variance of batch norm that are folded away. */
const FACTS = {
  'efficientnet-lite0': { features: 1280, size: 224, weights: 4_631_000 },
  'mobilenet-v2': { features: 1280, size: 224, weights: 3_487_816 },
  'inception-v3': { features: 2048, size: 299, weights: 23_817_352 },
} as const

it('knows those whose facts are below', () => {
  expect(ARCHITECTURE_IDS).toEqual(Object.keys(FACTS))
})

describe.each(Object.entries(FACTS))('%s', (id, facts) => {
  const architecture = findArchitecture(id)

  it('has the size, features and number of weights of its original definition', () => {
    const network = describeNetwork(architecture)
    expect(network.name).toBe(id)
    expect(network.input.size).toBe(facts.size)
    expect(network.outputs['features']?.width).toBe(facts.features)
    expect(network.outputs['logits']?.width).toBe(1000)
    expect(countWeights(network)).toBe(facts.weights)
  })

  it('meets its own outputs at any size that it can be trained for', () => {
    for (const size of [160, 256]) {
      const network = describeNetwork(architecture, { size, classes: 7 })
      const shapes = inferShapes(network)
      for (const { layer, width } of Object.values(network.outputs)) {
        expect(shapes[layer]).toEqual({ channels: width })
      }
    }
  })

  it('names each layer once', () => {
    const names = describeNetwork(architecture).layers.flatMap((layer) =>
      'name' in layer ? [layer.name] : [],
    )
    expect(new Set(names).size).toBe(names.length)
  })
})

it('names the architectures that exist', () => {
  expect(() => findArchitecture('vgg16')).toThrow(
    expect.objectContaining({
      code: 'backbone_unknown',
      message: expect.stringMatching(
        /among efficientnet-lite0, mobilenet-v2, inception-v3, received 'vgg16'/,
      ),
    }),
  )
})

/** Kernels and biases, with batch norm folded. */
function countWeights(network: ReturnType<typeof describeNetwork>): number {
  const shapes = inferShapes(network)
  const channels = (id: number) => (id < 0 ? 3 : (shapes[id]?.channels ?? 0))
  let count = 0
  for (const layer of network.layers) {
    if (layer.op === 'dense') count += layer.units * (channels(layer.input) + 1)
    if (layer.op !== 'conv') continue
    const [down, across] = toPair(layer.kernelSize)
    const area = down * across
    count += layer.filters * ((channels(layer.input) / layer.groups) * area + 1)
  }
  return count
}
