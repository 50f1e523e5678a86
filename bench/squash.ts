import { emitPreprocessing } from '../dist/images/preprocess-graph.js'
import { squashPixels } from '../dist/images/squash.js'
import { createGraphBuilder } from '../dist/tensor/graph-builder.js'
import { loadSession } from '../dist/tensor/session.js'
import { atMost, figure, type Measurement, median } from './measurement.ts'

const SIZE = 224
const RUNS = 100
const ROUNDS = 7

/** CPU time of the squash to a network's input, ahead of the graph and inside it, in turn (docs/decisions/0025-squash.md). */
export async function* benchSquash(): AsyncGenerator<Measurement> {
  const graph = createGraphBuilder('preprocessing')
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const levels = emitPreprocessing(graph, image, { size: SIZE, mean: 127, divisor: 128 })
  graph.output('levels', levels, 'float32', ['n', 3, SIZE, SIZE])
  const session = await loadSession(graph.encode())
  const run = (data: Uint8Array, side: number) =>
    session.run({ data, dims: [1, side, side, 3] }, ['levels'])
  for (const side of [100, 348]) {
    const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7919) >>> 3)
    const inside: number[] = []
    const ahead: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      inside.push(await cpuMs(() => run(data, side)))
      ahead.push(
        await cpuMs(() => run(squashPixels({ data, width: side, height: side }, SIZE).data, SIZE)),
      )
    }
    yield figure(`preprocessing graph alone, ${side} × ${side} pixels`, median(inside), 'CPU-ms')
    yield figure('squashed ahead of it', median(ahead), 'CPU-ms')
    yield atMost('ratio', median(ahead) / median(inside), '×', 0.8)
  }
  await session.close()
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage()
  for (let i = 0; i < RUNS; i++) await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000 / RUNS
}
