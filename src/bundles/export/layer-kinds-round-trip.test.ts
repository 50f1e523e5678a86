/** Every kind of layer that a network may have is written to a SavedModel and read back with equal numbers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { relativeDifference, runNetwork } from '../../../test/parity/run-network.ts'
import { readSavedModel } from '../../backbones/readers/saved-model/read-saved-model.ts'
import { ACTIVATIONS, INPUT, type Layer, type Network } from '../../tensor/network.ts'
import { inferShapes } from '../../tensor/network-shapes.ts'
import { elementCount, type FloatTensor } from '../../tensor/tensor.ts'
import { encodeSavedModel } from './saved-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'verger-layers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PLAIN = { stride: 1, padding: 'same', groups: 1 } as const
const conv = (changes: object): Layer =>
  ({
    op: 'conv',
    name: 'second',
    input: 0,
    filters: 8,
    kernelSize: 3,
    ...PLAIN,
    ...changes,
  }) as Layer
const pool = { kernelSize: 3, stride: 2, input: 0 } as const

/** Each reads the map `[8, 8, 8]` of layer 0 and gives a map. */
const ON_MAPS: readonly (readonly [string, readonly Layer[]])[] = [
  ...ACTIVATIONS.filter((op) => op !== 'softmax').map(
    (op) => [op, [{ op, input: 0, alpha: 0.3 }] as Layer[]] as const,
  ),
  ['a depthwise convolution', [conv({ groups: 8, stride: 2 })]],
  ['a depthwise convolution with a multiplier', [conv({ groups: 8, filters: 16 })]],
  ['a convolution in groups', [conv({ groups: 2 })]],
  ['a convolution with dilation', [conv({ dilation: 2, padding: 'valid' })]],
  ['a convolution padded on one side', [conv({ stride: 2, padding: [0, 0, 1, 1] })]],
  ['a padding', [{ op: 'pad', input: 0, padding: [1, 2, 0, 1] }, conv({ input: 1 })]],
  ['a largest value', [{ op: 'max-pool', ...pool, padding: 'same' }]],
  ['a largest value, padded', [{ op: 'max-pool', ...pool, padding: [1, 1, 1, 1] }]],
  ['an average', [{ op: 'average-pool', ...pool, padding: 'same' }]],
  ['an average, padded', [{ op: 'average-pool', ...pool, padding: [1, 1, 1, 1] }]],
  [
    'an average that counts zeros',
    [{ op: 'average-pool', ...pool, padding: [1, 1, 1, 1], countsPadding: true }],
  ],
  [
    'a sum',
    [
      { op: 'relu', input: 0 },
      { op: 'add', inputs: [0, 1] },
    ],
  ],
  [
    'a concatenation',
    [
      { op: 'relu', input: 0 },
      { op: 'concat', inputs: [0, 1] },
    ],
  ],
  [
    'a scale',
    [
      { op: 'relu', input: 0 },
      { op: 'scale', name: 'second', input: 1 },
    ],
  ],
  [
    'a gate',
    [
      { op: 'global-average-pool', input: 0 },
      { op: 'dense', name: 'second', input: 1, units: 8 },
      { op: 'sigmoid', input: 2 },
      { op: 'to-map', input: 3 },
      { op: 'multiply', inputs: [0, 4] },
    ],
  ],
  [
    'a mirror',
    [
      { op: 'mirror', input: 0 },
      { op: 'scale', name: 'second', input: 1 },
    ],
  ],
  ['a rounding to even', [{ op: 'round', input: 0, halves: 'even' }]],
  ['a rounding up', [{ op: 'round', input: 0, halves: 'up' }]],
  ['a clip', [{ op: 'clip', input: 0, least: -0.5, most: 0.75 }]],
]

const ENDS: readonly (readonly [string, (map: number) => readonly Layer[]])[] = [
  ['average', (input) => [{ op: 'global-average-pool', input }]],
  ['maximum', (input) => [{ op: 'global-max-pool', input }]],
  ['channels fastest', (input) => [{ op: 'flatten', input, channels: 'fastest' }]],
  ['channels slowest', (input) => [{ op: 'flatten', input, channels: 'slowest' }]],
  [
    'a length of 1',
    (input) => [
      { op: 'global-average-pool', input },
      { op: 'unit', input: input + 1 },
    ],
  ],
]

function networkOf(middle: readonly Layer[], end: (map: number) => readonly Layer[]): Network {
  const body: Layer[] = [
    { op: 'conv', name: 'stem', input: INPUT, filters: 8, kernelSize: 3, ...PLAIN, stride: 2 },
    ...middle,
  ]
  const layers = [...body, ...end(body.length - 1)]
  const features = layers.length - 1
  layers.push({ op: 'dense', name: 'logits', input: features, units: 4 })
  const input = { size: 16, mean: 127.5, divisor: 63.75 }
  const width = inferShapes({ input, layers })[features]?.channels ?? 0
  const outputs = {
    features: { layer: features, width },
    logits: { layer: features + 1, width: 4 },
  }
  return { name: 'small', input, layers, outputs }
}

/** Numbers of both signs for every weight that the layers name. */
function weightsOf({ input, layers }: Network): Map<string, FloatTensor> {
  const shapes = inferShapes({ input, layers })
  const weights = new Map<string, FloatTensor>()
  const put = (name: string, ...dims: number[]) => {
    const seed = name.length
    const data = Float32Array.from(
      { length: elementCount(dims) },
      (_, at) => Math.sin(seed + at * 1.7) * 0.4,
    )
    weights.set(name, { dims, data })
  }
  for (const layer of layers) {
    const channels = 'input' in layer ? (shapes[layer.input]?.channels ?? 3) : 0
    if (layer.op === 'conv') {
      put(`${layer.name}/kernel`, layer.filters, channels / layer.groups, 3, 3)
      put(`${layer.name}/bias`, layer.filters)
    } else if (layer.op === 'dense') {
      put(`${layer.name}/kernel`, layer.units, channels)
      put(`${layer.name}/bias`, layer.units)
    } else if (layer.op === 'scale') {
      put(`${layer.name}/scale`, channels)
      put(`${layer.name}/offset`, channels)
    }
  }
  return weights
}

const photo = Uint8Array.from({ length: 16 * 16 * 3 }, (_, at) => (at * 89 + (at >> 4)) % 256)

async function expectSame(network: Network): Promise<void> {
  const weights = weightsOf(network)
  const pieces = encodeSavedModel({
    name: 'small',
    network,
    weights,
    labels: ['a', 'b', 'c', 'd'],
    views: [{ size: 16, mirrored: false }],
    origin: { backbone: { id: 'small', sha256: '', licence: 'Apache-2.0' } },
  })
  writeFileSync(join(folder, 'saved_model.pb'), Buffer.concat(pieces.map(({ read }) => read())))
  const read = readSavedModel(folder)
  const expected = await runNetwork(network, weights, photo)
  const received = await runNetwork(read.network, read.weights, photo)
  const logits = [...(expected['logits'] ?? [])]
  expect(relativeDifference(received['logits'] ?? new Float32Array(), logits)).toBeLessThan(1e-5)
  expect(logits.some((value) => Math.abs(value) > 1e-3)).toBe(true)
}

describe('a network that is exported and imported', () => {
  it.each(ON_MAPS)('computes the same: %s', async (_words, middle) => {
    await expectSame(networkOf(middle, (input) => [{ op: 'global-average-pool', input }]))
  })

  it.each(ENDS)('computes the same at its end: %s', async (_words, end) => {
    await expectSame(networkOf([], end))
  })
})
