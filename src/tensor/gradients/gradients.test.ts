/** Every rule's gradients against finite differences in double precision, in both layouts of maps. */
import { afterAll, describe, expect, it } from 'vitest'
import { type DoubleWeights, lossOf } from '../../../test/support/double-network.ts'
import { ACTIVATIONS, type Layer, type Network, type Padding } from '../network.ts'
import { inferShapes } from '../network-shapes.ts'
import { elementCount, type FloatTensor } from '../tensor.ts'
import { NORM_EPSILON } from './batch-norm.ts'
import { findBlock } from './map-block.ts'
import { composeTrainingStep } from './plan-training-step.ts'
import { findRule } from './rules.ts'
import { openStepRunner } from './step-runner.ts'
import { targetsOf } from './targets.ts'
import type { Trainer, TrainingOptions } from './training-step.ts'

const CLASSES = 3
const PHOTOS = 2
/** Step of a difference; errors of double precision and of the curve are about 1e-10 then. */
const STEP = 1e-5
/** Numbers of each weight that are moved. */
const SAMPLES = 5
/** Of the largest gradient of a weight. */
const TOLERANCE = 2e-4

const conv = (
  input: number,
  name: string,
  more: Partial<Extract<Layer, { op: 'conv' }>>,
): Layer => ({
  op: 'conv',
  name,
  input,
  filters: 5,
  kernelSize: 1,
  stride: 1,
  padding: 'same',
  groups: 1,
  ...more,
})

/** A convolution of the photo, the layers under test, and a classifier. */
function networkOf(size: number, filters: number, inner: readonly Layer[]): Network {
  const layers: Layer[] = [conv(-1, 'stem', { filters, kernelSize: 3 }), ...inner]
  const last = inferShapes({ input: { size, mean: 0, divisor: 1 }, layers }).at(-1)
  if (last?.height !== undefined)
    layers.push({ op: 'global-average-pool', input: layers.length - 1 })
  layers.push({ op: 'dense', name: 'classifier', input: layers.length - 1, units: CLASSES })
  return {
    name: 'small',
    input: { size, mean: [100, 120, 140], divisor: 60 },
    layers,
    outputs: { logits: { layer: layers.length - 1, width: CLASSES } },
  }
}

/** Numbers between −1 and 1 that look random and are always the same. */
function noise(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => {
    const wave = Math.sin((at + 1) * 12.9898 + seed * 78.233) * 43758.5453
    return 2 * (wave - Math.floor(wave)) - 1
  })
}

function weightsOf(network: Network): Map<string, FloatTensor> {
  const { size } = network.input
  const shapes = inferShapes(network)
  const weights = new Map<string, FloatTensor>()
  for (const layer of network.layers) {
    const input = 'inputs' in layer ? layer.inputs[0]! : layer.input
    const from = input < 0 ? { channels: 3, height: size, width: size } : shapes[input]!
    for (const [name, dims] of Object.entries(findRule(layer).weights?.(layer, from) ?? {})) {
      const spread = dims.length > 1 ? 1 / Math.sqrt(elementCount(dims.slice(1))) : 0.5
      const data = noise(elementCount(dims), weights.size + 1).map((value) => value * spread)
      weights.set(name, { dims, data })
    }
  }
  return weights
}

const photosOf = (size: number) =>
  Uint8Array.from(noise(PHOTOS * size * size * 3, 77), (value) => 127.5 + 127 * value)

const OPTIONS: TrainingOptions = {
  batchSize: PHOTOS,
  optimiser: { kind: 'sgd', momentum: 0.9 },
  weightDecay: 0,
  batchNorm: 'frozen',
}
const open: Trainer[] = []
afterAll(() => Promise.all(open.map((trainer) => trainer.close())))

/** Gradients of all weights: what the momentum is after the first step. */
async function gradientsOf(network: Network, options: TrainingOptions & { block: number }) {
  const weights = weightsOf(network)
  const photos = photosOf(network.input.size)
  const targets = targetsOf([2, 0], {
    classes: CLASSES,
    labelSmoothing: 0.1,
    classWeights: Float32Array.of(0.7, 1, 1.3),
  })
  const step = composeTrainingStep(network, weights, options)
  const trainer = await openStepRunner(step, { threads: 1 })
  open.push(trainer)
  const result = await trainer.step({ photos, targets, learningRate: 0.1 })
  const { tensors } = await trainer.read()
  return { step, photos, targets, result, tensors }
}

async function expectTrueGradients(
  network: Network,
  options: TrainingOptions & { block: number },
): Promise<void> {
  const { step, photos, targets, result, tensors } = await gradientsOf(network, options)
  const double: DoubleWeights = new Map(
    step.parameters.map(({ name }) => [
      name,
      Float64Array.from(step.initial.get(name)?.data ?? []),
    ]),
  )
  const loss = () => lossOf(network, double, photos, targets, NORM_EPSILON)
  expect(result.isApplied).toBe(true)
  expect(result.loss).toBeCloseTo(loss(), 4)
  for (const [name, values] of double) {
    const received = tensors.get(`${name}#momentum`)?.data ?? new Float32Array()
    expect(received.length).toBe(values.length)
    const largest = Math.max(...received.map(Math.abs), 1e-3)
    const stride = Math.max(1, Math.floor(values.length / SAMPLES))
    for (let at = 0; at < values.length; at += stride) {
      const value = values[at]!
      values[at] = value + STEP
      const above = loss()
      values[at] = value - STEP
      const below = loss()
      values[at] = value
      const expected = (above - below) / (2 * STEP)
      const difference = Math.abs(received[at]! - expected) / largest
      expect(difference, `${name}[${at}]: ${received[at]} for ${expected}`).toBeLessThan(TOLERANCE)
    }
  }
}

interface Case {
  readonly what: string
  readonly size?: number
  readonly filters?: number
  readonly layers: readonly Layer[]
}

const PADDINGS: readonly Padding[] = ['same', 'valid', [2, 0, 1, 1]]

const CASES: readonly Case[] = [
  { what: 'a convolution of the photo alone', layers: [] },
  { what: 'a convolution of one tap', layers: [conv(0, 'inner', {})] },
  { what: 'whole blocks of channels', filters: 16, layers: [conv(0, 'inner', { filters: 32 })] },
  ...PADDINGS.flatMap((padding) =>
    [1, 2, 3].map((stride) => ({
      what: `a convolution of 3 × 2 taps, stride ${stride}, padding ${padding}`,
      layers: [conv(0, 'inner', { kernelSize: [3, 2], stride, padding })],
    })),
  ),
  {
    what: 'whole blocks of channels, 3 × 3 taps',
    filters: 16,
    layers: [conv(0, 'inner', { filters: 16, kernelSize: 3, stride: 2 })],
  },
  {
    what: 'one tap, stride 2, odd and even maps',
    layers: [conv(0, 'inner', { stride: 2 }), conv(1, 'second', { stride: 2 })],
  },
  {
    what: 'taps that stand apart',
    layers: [conv(0, 'inner', { kernelSize: 3, dilation: 2 })],
  },
  {
    what: 'strips',
    layers: [
      conv(0, 'across', { kernelSize: [1, 5] }),
      conv(1, 'down', { kernelSize: [5, 1], stride: [2, 1] }),
    ],
  },
  {
    what: 'groups of channels',
    filters: 6,
    layers: [conv(0, 'inner', { filters: 4, groups: 2, kernelSize: 3, stride: 2 })],
  },
  {
    what: 'several filters for each channel',
    filters: 4,
    layers: [conv(0, 'inner', { filters: 8, groups: 4, kernelSize: 3 })],
  },
  ...[5, 16, 20].flatMap((filters) =>
    [1, 2].flatMap((stride) =>
      [8, 9].map((size) => ({
        what: `a depthwise convolution of ${filters} channels, stride ${stride}, ${size} pixels`,
        size,
        filters,
        layers: [conv(0, 'inner', { filters, groups: filters, kernelSize: 3, stride })],
      })),
    ),
  ),
  ...PADDINGS.map((padding) => ({
    what: `a depthwise convolution of 5 × 5 taps with padding ${padding}`,
    filters: 16,
    layers: [conv(0, 'inner', { filters: 16, groups: 16, kernelSize: 5, stride: 2, padding })],
  })),
  ...ACTIVATIONS.map((op) => ({ what: op, layers: [{ op, input: 0 } as Layer] })),
  ...ACTIVATIONS.map((op) => ({
    what: `${op} of a vector`,
    layers: [{ op: 'global-average-pool', input: 0 } as Layer, { op, input: 1 } as Layer],
  })),
  { what: 'clip', layers: [{ op: 'clip', input: 0, least: -0.5, most: 0.7 }] },
  {
    what: 'a residual block',
    size: 5,
    filters: 16,
    layers: [
      conv(0, 'expand', { filters: 32 }),
      { op: 'relu6', input: 1 },
      conv(2, 'depthwise', { filters: 32, groups: 32, kernelSize: 3 }),
      { op: 'relu6', input: 3 },
      conv(4, 'project', { filters: 16 }),
      { op: 'add', inputs: [0, 5] },
    ],
  },
  {
    what: 'squeeze and excitation',
    layers: [
      { op: 'global-average-pool', input: 0, staysMap: true },
      conv(1, 'squeeze', { filters: 2 }),
      { op: 'silu', input: 2 },
      conv(3, 'excite', {}),
      { op: 'sigmoid', input: 4 },
      { op: 'multiply', inputs: [0, 5] },
    ],
  },
  { what: 'a layer multiplied by itself', layers: [{ op: 'multiply', inputs: [0, 0] }] },
  ...[5, 16].map((filters) => ({
    what: `branches of ${filters} channels that join`,
    filters: 16,
    layers: [
      conv(0, 'left', { filters }),
      conv(0, 'right', { filters, kernelSize: 3 }),
      { op: 'concat', inputs: [1, 2, 0] } as Layer,
      { op: 'relu', input: 3 } as Layer,
      conv(4, 'after', {}),
    ],
  })),
  ...(['max-pool', 'average-pool'] as const).flatMap((op) =>
    PADDINGS.slice(0, 2).flatMap((padding) =>
      [1, 2].map((stride) => ({
        what: `${op} of 3 × 3, stride ${stride}, padding ${padding}`,
        layers: [{ op, input: 0, kernelSize: 3, stride, padding } as Layer],
      })),
    ),
  ),
  {
    what: 'a mean that counts the padding',
    layers: [
      {
        op: 'average-pool',
        input: 0,
        kernelSize: 3,
        stride: 1,
        padding: 'same',
        countsPadding: true,
      },
    ],
  },
  { what: 'the largest of all positions', layers: [{ op: 'global-max-pool', input: 0 }] },
  { what: 'zeros around a map', layers: [{ op: 'pad', input: 0, padding: [1, 2, 0, 1] }] },
  { what: 'a scale for each channel', layers: [{ op: 'scale', name: 'inner', input: 0 }] },
  {
    what: 'a scale for each feature',
    layers: [
      { op: 'global-average-pool', input: 0 },
      { op: 'scale', name: 'inner', input: 1 },
    ],
  },
  {
    what: 'left for right',
    layers: [{ op: 'mirror', input: 0 }, conv(1, 'inner', { kernelSize: 3 })],
  },
  ...(['slowest', 'fastest'] as const).map((channels) => ({
    what: `a flattened map, channels ${channels}`,
    layers: [{ op: 'flatten', input: 0, channels } as Layer],
  })),
  {
    what: 'a vector of length 1',
    layers: [
      { op: 'global-average-pool', input: 0 },
      { op: 'unit', input: 1 },
    ],
  },
  {
    what: 'two dense layers and a map between',
    layers: [
      { op: 'global-average-pool', input: 0 },
      { op: 'dense', name: 'inner', input: 1, units: 6 },
      { op: 'to-map', input: 2 },
      conv(3, 'after', {}),
    ],
  },
]

describe.each([
  ['blocks', await findBlock()],
  ['plain maps', 1],
])('gradients in %s', (_layout, block) => {
  it.each(CASES)('$what', async ({ size = 6, filters = 5, layers }) => {
    await expectTrueGradients(networkOf(size, filters, layers), { ...OPTIONS, block })
  })

  it.each([5, 16])('a batch norm of %i channels that trains', async (filters) => {
    const network = networkOf(6, filters, [
      { op: 'relu', input: 0 },
      conv(1, 'depthwise', { filters, groups: filters, kernelSize: 3, stride: 2 }),
      { op: 'relu6', input: 2 },
      conv(3, 'project', { filters: 4 }),
    ])
    const statistics = new Map(
      ['stem', 'depthwise', 'project'].map((name, at) => {
        const channels = name === 'project' ? 4 : filters
        const variance = noise(channels, at).map((value) => 1 + value / 2)
        return [name, { mean: noise(channels, 9 + at), variance }]
      }),
    )
    await expectTrueGradients(network, { ...OPTIONS, block, batchNorm: { statistics } })
  })
})
