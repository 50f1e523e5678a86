import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { packagePath } from '../../core/version.ts'
import { findNetworkFault } from '../../tensor/network-faults.ts'
import { inferShapes } from '../../tensor/network-shapes.ts'
import { elementCount, type FloatTensor } from '../../tensor/tensor.ts'
import { findArchitecture } from '../architectures.ts'
import { mapPyTorchWeights } from './pytorch-weights.ts'

/** Names and shapes by library and model: scripts/fixtures/models/pytorch_names.py. */
const NAMES: Record<string, Record<string, number[]>> = JSON.parse(
  gunzipSync(readFileSync(packagePath('test/fixtures/models/pytorch/names.json.gz'))).toString(),
)

/** A state dict of that model, of ones. */
function stateOf(model: string): Map<string, FloatTensor> {
  const entries = Object.entries(NAMES[model] ?? {})
  return new Map(
    entries.map(([name, dims]) => [
      name,
      { dims, data: new Float32Array(elementCount(dims)).fill(1) },
    ]),
  )
}

const MOBILENET = findArchitecture('mobilenet-v2')
const INCEPTION = findArchitecture('inception-v3')
const LITE = findArchitecture('efficientnet-lite0')
const IMAGENET = { mean: [123.675, 116.28, 103.53], divisor: [58.395, 57.12, 57.375] }
const CENTRED = { mean: 127.5, divisor: 127.5 }

describe('mapPyTorchWeights', () => {
  it.each([
    ['torchvision mobilenet_v2', MOBILENET, 'x.pth', IMAGENET, [1, 1, 1, 1]],
    ['timm mobilenetv2_100', MOBILENET, 'x.pth', IMAGENET, [1, 1, 1, 1]],
    ['torchvision inception_v3', INCEPTION, 'x.pth', CENTRED, 'valid'],
    ['timm inception_v3', INCEPTION, 'x.pth', CENTRED, 'valid'],
    ['timm efficientnet_lite0', LITE, 'efficientnet_lite0-1.pth', IMAGENET, [1, 1, 1, 1]],
    ['timm efficientnet_lite0', LITE, 'tf_efficientnet_lite0-1.pth', CENTRED, 'same'],
  ] as const)('finds every weight of %s in %s', (model, architecture, file, scaling, padding) => {
    const { network, weights } = mapPyTorchWeights(stateOf(model), architecture, file)
    expect(findNetworkFault(network)).toBeUndefined()
    expect(network.input).toEqual({ size: architecture.size, ...scaling })
    expect(network.layers[0]).toMatchObject({ op: 'conv', padding })
    const shapes = inferShapes(network)
    for (const [id, layer] of network.layers.entries()) {
      if (layer.op !== 'conv' && layer.op !== 'dense') continue
      expect(weights.get(`${layer.name}/bias`)?.dims).toEqual([shapes[id]?.channels])
      expect(weights.get(`${layer.name}/kernel`)?.dims[0]).toBe(shapes[id]?.channels)
    }
  })

  it('counts the zeros around a map in the means of Inception, as PyTorch does', () => {
    const state = stateOf('torchvision inception_v3')
    const { network } = mapPyTorchWeights(state, INCEPTION, 'inception_v3.pth')
    const means = network.layers.filter(({ op }) => op === 'average-pool')
    expect(means).toHaveLength(9)
    for (const mean of means) expect(mean).toMatchObject({ countsPadding: true })
  })

  it('adds the epsilon of the library', () => {
    const state = stateOf('torchvision mobilenet_v2')
    const { weights } = mapPyTorchWeights(state, MOBILENET, 'x.pth')
    expect(weights.get('stem/kernel')?.data[0]).toBe(Math.fround(1 / Math.sqrt(1 + 1e-5)))
  })

  it('takes as many classes as the classifier has', () => {
    const state = stateOf('torchvision mobilenet_v2')
    state.set('classifier.1.weight', { dims: [3, 1280], data: new Float32Array(3 * 1280) })
    state.set('classifier.1.bias', { dims: [3], data: new Float32Array(3) })
    const { network } = mapPyTorchWeights(state, MOBILENET, 'x.pth')
    expect(network.outputs['logits']?.width).toBe(3)
  })

  it('gives features alone where there is no classifier', () => {
    const state = stateOf('timm mobilenetv2_100')
    state.delete('classifier.weight')
    const { network, notes } = mapPyTorchWeights(state, MOBILENET, 'x.pth')
    expect(Object.keys(network.outputs)).toEqual(['features'])
    expect(notes.join()).toContain('no classifier')
  })
})

describe('a state dict that does not fit', () => {
  it('is of another architecture', () => {
    const map = () => mapPyTorchWeights(stateOf('torchvision inception_v3'), MOBILENET, 'x.pth')
    expect(map).toThrow(
      'Expected weights of mobilenet-v2, whose first tensor is features.0.0.weight (torchvision) or ' +
        'conv_stem.weight (timm); received Conv2d_1a_3x3.conv.weight [32, 3, 3, 3]',
    )
  })

  it('is of another size: the first tensor that differs is named with both shapes', () => {
    const state = stateOf('torchvision mobilenet_v2')
    state.set('features.2.conv.0.0.weight', { dims: [48, 8, 1, 1], data: new Float32Array(384) })
    expect(() => mapPyTorchWeights(state, MOBILENET, 'x.pth')).toThrow(
      'the tensor features.2.conv.0.0.weight of mobilenet-v2 as torchvision names it, of shape ' +
        '[96, 16, 1, 1]; received one of [48, 8, 1, 1]',
    )
  })

  it('lacks a tensor', () => {
    const state = stateOf('timm mobilenetv2_100')
    state.delete('blocks.1.0.bn3.running_var')
    expect(() => mapPyTorchWeights(state, MOBILENET, 'x.pth')).toThrow(
      'the tensor blocks.1.0.bn3.running_var of mobilenet-v2 as timm names it, of shape [24]; received a file without it',
    )
  })

  it('has numbers that are none', () => {
    const state = stateOf('timm mobilenetv2_100')
    state.get('bn1.running_mean')?.data.fill(Number.NaN)
    expect(() => mapPyTorchWeights(state, MOBILENET, 'x.pth')).toThrow(
      'finite numbers in bn1.running_mean',
    )
  })

  it('could be one of two, and its file is not named after either', () => {
    expect(() => mapPyTorchWeights(stateOf('timm efficientnet_lite0'), LITE, 'x.pth')).toThrow(
      'named alike in efficientnet_lite0 and tf_efficientnet_lite0',
    )
  })
})
