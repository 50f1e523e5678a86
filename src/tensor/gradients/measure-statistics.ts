/** Opens batch norm that was folded: what each convolution gives for photos is what it was normalised by. */
import { requireWeight } from '../emit-onnx.ts'
import { createGraphBuilder } from '../graph-builder.ts'
import type { Network } from '../network.ts'
import { inferShapes } from '../network-shapes.ts'
import { loadPlacedSession, place } from '../session.ts'
import type { Weights } from '../tensor.ts'
import { emitFrozenLayers } from './frozen-layers.ts'
import { createStepGraph } from './step-graph.ts'
import type { ConvStatistics } from './training-step.ts'

/**
 * Mean and variance of every convolution of `network` by its name, over `batches` of RGB levels `[photos, size, size, 3]`.
 * Computes on the calling thread.
 */
export async function measureStatistics(
  network: Network,
  weights: Weights,
  { photos, batches, threads }: MeasureOptions,
): Promise<ReadonlyMap<string, ConvStatistics>> {
  const builder = createGraphBuilder('statistics')
  const graph = createStepGraph(builder)
  const shapes = inferShapes(network)
  const { size } = network.input
  const values = emitFrozenLayers(builder, graph, network, {
    levels: builder.input('photos', 'uint8', [photos, size, size, 3]),
    weight(name, dims) {
      const { data } = requireWeight(network.name, weights, name, dims)
      return builder.constant(name, data, dims)
    },
  })
  const convolutions = network.layers.flatMap((layer, id) =>
    layer.op === 'conv' ? [{ layer, id }] : [],
  )
  for (const { layer, id } of convolutions) {
    const { channels, height = 1, width = 1 } = shapes[id]!
    const map = graph.reshape(values(id), [photos, channels, height * width])
    const mean = (of: string) =>
      graph.node(
        'ReduceMean',
        [graph.node('ReduceMean', [of, graph.ints([2])], { keepdims: 0 }), graph.ints([0])],
        { keepdims: 0 },
      )
    builder.output(`${layer.name}#mean`, mean(map), 'float32', [channels])
    builder.output(`${layer.name}#square`, mean(graph.multiply(map, map)), 'float32', [channels])
  }
  const sums = new Map(
    convolutions.map(({ layer: { name, filters } }) => [
      name,
      { mean: new Float64Array(filters), square: new Float64Array(filters) },
    ]),
  )
  const results = convolutions.flatMap(({ layer: { name, filters } }) =>
    (['mean', 'square'] as const).map((kind) => {
      const data = new Float32Array(filters)
      const placed = place({ type: 'float32', data, dims: [filters] })
      return { key: `${name}#${kind}`, sum: sums.get(name)![kind], data, placed }
    }),
  )
  const session = await loadPlacedSession(builder.encode(), threads)
  for (const levels of batches) {
    const input = place({ type: 'uint8', data: levels, dims: [photos, size, size, 3] })
    await session.run(
      { photos: input },
      Object.fromEntries(results.map(({ key, placed }) => [key, placed])),
    )
    for (const { sum, data } of results) for (let c = 0; c < sum.length; c++) sum[c]! += data[c]!
  }
  await session.close()
  return new Map(
    [...sums].map(([name, { mean, square }]) => {
      const means = mean.map((sum) => sum / batches.length)
      const variance = square.map((sum, c) => Math.max(sum / batches.length - means[c]! ** 2, 0))
      return [name, { mean: Float32Array.from(means), variance: Float32Array.from(variance) }]
    }),
  )
}

export interface MeasureOptions {
  /** Photos of a batch. */
  readonly photos: number
  readonly batches: readonly Uint8Array[]
  readonly threads: number
}
