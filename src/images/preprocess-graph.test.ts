import { expect, it } from 'vitest'
import { createGraphBuilder } from '../tensor/graph-builder.ts'
import { loadSession } from '../tensor/session.ts'
import { emitPreprocessing } from './preprocess-graph.ts'

it('rounds the middle between two columns up at an odd size, as Pillow does', async () => {
  const graph = createGraphBuilder('preprocessing')
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const levels = emitPreprocessing(graph, image, { size: 3, mean: 0, divisor: 1 })
  graph.output('levels', levels, 'float32', ['n', 3, 3, 3])
  const session = await loadSession(graph.encode())
  const [black, grey] = [
    [0, 0, 0],
    [101, 101, 101],
  ]
  const data = Uint8Array.from([...black, ...grey, ...black, ...grey])
  const { levels: received = [] } = await session.run({ data, dims: [1, 2, 2, 3] }, ['levels'])
  await session.close()
  // Image.fromarray([[0, 101], [0, 101]]).resize((3, 3), Image.Resampling.BICUBIC)
  expect([...received].slice(0, 3)).toEqual([0, 51, 108])
})
