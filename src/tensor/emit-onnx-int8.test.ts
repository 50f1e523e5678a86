import { describe, expect, it } from 'vitest'
import { drawMatrix } from '../../test/support/drawn-rows.ts'
import { emitNetwork } from './emit-onnx.ts'
import { emitObservation, emitQuantizedNetwork } from './emit-onnx-int8.ts'
import { createGraphBuilder } from './graph-builder.ts'
import { INPUT, type Layer, type Network } from './network.ts'
import { inferShapes } from './network-shapes.ts'
import { convInputs, type Observation, Observer, quantizeConv } from './quantize.ts'
import { loadComputation } from './session.ts'
import type { FloatTensor, Weights } from './tensor.ts'

const SIZE = 16
const conv = (name: string, input: number, filters: number, rest: Partial<Layer> = {}) =>
  ({
    ...{ op: 'conv', name, input, filters, kernelSize: 1, stride: 1, padding: 'same', groups: 1 },
    ...rest,
  }) as Layer

const network: Network = {
  name: 'small',
  input: { size: SIZE, mean: 127.5, divisor: 127.5 },
  layers: [
    conv('stem', INPUT, 8, { kernelSize: 3, stride: 2 }),
    { op: 'relu6', input: 0 },
    conv('depthwise', 1, 8, { kernelSize: 3, groups: 8 }),
    { op: 'relu', input: 2 },
    conv('project', 3, 8),
    { op: 'add', inputs: [1, 4] },
    { op: 'max-pool', input: 5, kernelSize: 2, stride: 2, padding: 'valid' },
    conv('left', 6, 12),
    conv('right', 6, 4, { kernelSize: [1, 3] }),
    { op: 'concat', inputs: [7, 8] },
    // Read twice, so that its ReLU stays a node.
    { op: 'relu', input: 9 },
    { op: 'add', inputs: [9, 10] },
    { op: 'global-average-pool', input: 11 },
    { op: 'dense', name: 'classifier', input: 12, units: 5 },
  ],
  outputs: { features: { layer: 12, width: 16 }, logits: { layer: 13, width: 5 } },
}

let seed = 1
const draw = (dims: readonly number[], spread: number): FloatTensor => {
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dims, data: drawMatrix(seed++, 1, count).map((value) => (spread * value) / 2) }
}
const weights: Weights = new Map([
  ['stem/kernel', draw([8, 3, 3, 3], 0.6)],
  ['stem/bias', draw([8], 1)],
  ['depthwise/kernel', draw([8, 1, 3, 3], 0.6)],
  ['depthwise/bias', draw([8], 0.5)],
  ['project/kernel', draw([8, 8, 1, 1], 0.5)],
  ['project/bias', draw([8], 0.5)],
  ['left/kernel', draw([12, 8, 1, 1], 0.5)],
  ['left/bias', draw([12], 0.5)],
  ['right/kernel', draw([4, 8, 1, 3], 0.5)],
  ['right/bias', draw([4], 0.5)],
  ['classifier/kernel', draw([5, 16], 0.5)],
  ['classifier/bias', draw([5], 0.5)],
])

const INPUT_DIMS = [1, 3, SIZE, SIZE]
const photos = Array.from({ length: 24 }, () =>
  draw(INPUT_DIMS, 1).data.map((value) => Math.max(-1, Math.min(1, value))),
)

async function run(
  emit: (graph: ReturnType<typeof createGraphBuilder>) => Record<string, string>,
  inputs: readonly Float32Array[],
) {
  const graph = createGraphBuilder('test')
  const outputs = emit(graph)
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value, 'float32', ['m'])
  const computation = await loadComputation(graph.encode(), 1)
  try {
    const results: Record<string, Float32Array>[] = []
    for (const data of inputs) {
      const given = await computation.run({ x: { data, dims: INPUT_DIMS } }, Object.keys(outputs))
      results.push(Object.fromEntries(Object.entries(given).map(([name, v]) => [name, v.slice()])))
    }
    return results
  } finally {
    await computation.close()
  }
}

const x = (graph: ReturnType<typeof createGraphBuilder>) => graph.input('x', 'float32', INPUT_DIMS)

async function observe(): Promise<Observation> {
  const shapes = inferShapes(network)
  const observer = new Observer(
    network,
    convInputs(network).map((id) => (id === INPUT ? 3 : shapes[id]!.channels)),
  )
  const seen = await run((graph) => emitObservation(graph, network, weights, x(graph)), photos)
  for (const { ranges, means } of seen) observer.add(ranges!, means!)
  return observer.finish({ min: -1, max: 1 })
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, left, right] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    left += a[i]! ** 2
    right += b[i]! ** 2
  }
  return product / Math.sqrt(left * right)
}

describe('a network in 8 bit', () => {
  it('gives nearly the features and logits of the one in float', async () => {
    const observed = await observe()
    const floats = await run((graph) => emitNetwork(graph, network, weights, x(graph)), photos)
    const integers = await run(
      (graph) => emitQuantizedNetwork(graph, network, weights, observed, x(graph)),
      photos,
    )
    for (const [index, exact] of floats.entries()) {
      const rounded = integers[index]!
      expect(cosine(exact['features']!, rounded['features']!)).toBeGreaterThan(0.999)
      expect(cosine(exact['logits']!, rounded['logits']!)).toBeGreaterThan(0.995)
      // It does round.
      expect(rounded['features']).not.toEqual(exact['features'])
    }
  })

  it('names a kernel that is missing', async () => {
    const observed = await observe()
    const some = new Map([...weights].filter(([name]) => name !== 'project/kernel'))
    const graph = createGraphBuilder('test')
    expect(() => emitQuantizedNetwork(graph, network, some, observed, x(graph))).toThrow(
      /small expects the weight project\/kernel/,
    )
  })
})

describe('Observer', () => {
  it('keeps the extremes of all photos and the mean of their means', async () => {
    const observed = await observe()
    const [relu6] = [observed.layers[1]!]
    expect(relu6.min).toBe(0)
    expect(relu6.max).toBeLessThanOrEqual(6)
    const mean = photos.reduce(
      (sum, data) => sum + data.subarray(0, SIZE * SIZE).reduce((a, b) => a + b, 0),
      0,
    )
    expect(observed.means.get(INPUT)?.[0]).toBeCloseTo(mean / (photos.length * SIZE * SIZE), 5)
    expect([...observed.means.keys()]).toEqual(convInputs(network))
  })
})

describe('quantizeConv', () => {
  it('takes back what rounding moves on average', () => {
    const layer = network.layers[4] as Extract<Layer, { op: 'conv' }>
    const means = Float64Array.from({ length: 8 }, (_, i) => 1 + i / 3)
    const { kernel, scales, bias } = quantizeConv(network, weights, layer, means)
    const exact = weights.get('project/kernel')!.data
    for (let filter = 0; filter < 8; filter++) {
      let [wanted, given] = [weights.get('project/bias')!.data[filter]!, bias[filter]!]
      for (let i = 0; i < 8; i++) {
        wanted += exact[filter * 8 + i]! * means[i]!
        given += kernel[filter * 8 + i]! * scales[filter]! * means[i]!
      }
      expect(given).toBeCloseTo(wanted, 5)
    }
    expect(Math.max(...kernel.map(Math.abs))).toBe(127)
  })

  it('stands a filter of nothing', () => {
    const layer = network.layers[4] as Extract<Layer, { op: 'conv' }>
    const silent = new Map(weights).set('project/kernel', {
      dims: [8, 8, 1, 1],
      data: new Float32Array(64),
    })
    const { kernel, scales, bias } = quantizeConv(network, silent, layer, new Float64Array(8))
    expect([...kernel].every((value) => value === 0)).toBe(true)
    for (const value of [...scales, ...bias]) expect(Number.isFinite(value)).toBe(true)
  })
})
