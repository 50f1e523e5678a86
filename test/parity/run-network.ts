/** Runs a network as Verger serves it: from the levels of a photo to its named outputs. */
import { encodeInferenceGraph } from '../../src/features/inference-graph.ts'
import type { Network } from '../../src/tensor/network.ts'
import { loadSession } from '../../src/tensor/session.ts'
import type { Weights } from '../../src/tensor/tensor.ts'

/** `photo` is uint8 `[size, size, 3]` of the network's own size, so that the squash changes nothing. */
export async function runNetwork(
  network: Network,
  weights: Weights,
  photo: Uint8Array,
): Promise<Record<string, Float32Array>> {
  const { size } = network.input
  const session = await loadSession(encodeInferenceGraph(network, weights))
  try {
    return await session.run(
      { data: photo, dims: [1, size, size, 3] },
      Object.keys(network.outputs),
    )
  } finally {
    await session.close()
  }
}

/** The largest difference beside the largest number that was expected. */
export function relativeDifference(received: Float32Array, expected: readonly number[]): number {
  if (received.length !== expected.length) return Number.POSITIVE_INFINITY
  const largest = Math.max(...expected.map(Math.abs))
  return (
    Math.max(...expected.map((value, at) => Math.abs(value - (received[at] ?? Number.NaN)))) /
    largest
  )
}
