/** How many channels the convolutions of this processor take at once. */
import { createGraphBuilder } from '../graph-builder.ts'
import { loadComputation } from '../session.ts'

const CHANNELS = 32
let found: Promise<number> | undefined

/** 8 or 16, or 1 where ONNX Runtime has no convolutions in blocks for this processor. Asked once for the process. */
export function findBlock(): Promise<number> {
  found ??= probe()
  return found
}

/** Two positions of many channels: the first number of the second position ends up behind the first block. */
async function probe(): Promise<number> {
  const graph = createGraphBuilder('block')
  const dims = [1, CHANNELS, 1, 2]
  const map = graph.input('map', 'float32', dims)
  graph.output('blocked', graph.node('com.microsoft.nchwc.ReorderInput', [map]), 'float32', dims)
  const data = Float32Array.from({ length: CHANNELS * 2 }, (_, at) => at)
  try {
    const computation = await loadComputation(graph.encode(), 1)
    const { blocked } = await computation.run({ map: { data, dims } }, ['blocked'])
    await computation.close()
    return Math.max(blocked?.indexOf(1) ?? 1, 1)
  } catch {
    return 1
  }
}
