import { describe, expect, it } from 'vitest'
import type { LayerId, Network } from '../tensor/network.ts'
import { inferShapes } from '../tensor/network-shapes.ts'
import { describeNetwork, findArchitecture } from './architectures.ts'
import { onlyOutputs, withFeatures } from './inner-features.ts'

const network = describeNetwork(findArchitecture('mobilenet-v2'))

/** What a layer reads. */
function inputOf({ layers }: Network, id: LayerId): LayerId {
  const layer = layers[id]
  return layer !== undefined && 'input' in layer ? layer.input : Number.NaN
}

describe('withFeatures', () => {
  it('takes the mean over a map, behind the activation of its layer', () => {
    const inner = withFeatures(network, 'block13/expand')
    const features = inner.outputs['features']?.layer ?? -1
    expect(inner.layers[features]?.op).toBe('global-average-pool')
    expect(inner.layers[inputOf(inner, features)]?.op).toBe('relu6')
    expect(inner.layers[inputOf(inner, inputOf(inner, features))]).toMatchObject({
      name: 'block13/expand',
    })
    expect(inner.outputs['features']?.width).toBe(576)
    expect(inner.outputs['logits']).toEqual(network.outputs['logits'])
  })

  it('knows a block by its end, behind the shortcut', () => {
    const inner = withFeatures(network, 'block2')
    const features = inner.outputs['features']?.layer ?? -1
    expect(inner.layers[inputOf(inner, features)]?.op).toBe('add')
    expect(inner.outputs['features']?.width).toBe(24)
  })

  it('takes a vector as it is', () => {
    expect(withFeatures(network, 'classifier').outputs['features']).toEqual(
      network.outputs['logits'],
    )
  })

  it('names the layers that exist where it knows none of this name', () => {
    expect(() => withFeatures(network, 'mixed7')).toThrow(
      expect.objectContaining({
        code: 'usage_invalid',
        message: expect.stringMatching(
          /a layer of mobilenet-v2 for the features, received 'mixed7'/,
        ),
        hint: expect.stringMatching(
          /^It has stem, block0, block0\/\{depthwise,project\}, block1, .*, top, classifier\.$/,
        ),
      }),
    )
  })
})

describe('onlyOutputs', () => {
  it('leaves out what no output needs, and keeps the rest as it was', () => {
    const inner = onlyOutputs(withFeatures(network, 'block2'), ['features'])
    expect(Object.keys(inner.outputs)).toEqual(['features'])
    const names = inner.layers.flatMap((layer) => ('name' in layer ? [layer.name] : []))
    expect(names.at(-1)).toBe('block2/project')
    expect(Object.keys(inner.stages ?? {})).toEqual(['block0', 'block1', 'block2'])
    expect(inferShapes(inner).at(-1)).toEqual({ channels: 24 })
  })

  it('changes nothing where every layer is needed', () => {
    expect(onlyOutputs(network, ['features', 'logits'])).toEqual(network)
  })
})
