/** Runs a classifier that was read from elsewhere, in ONNX Runtime. */
import type { ForeignModel } from '../../src/backbones/foreign-model.ts'
import { encodeInferenceGraph } from '../../src/features/inference-graph.ts'
import { loadSession } from '../../src/tensor/session.ts'

/**
 * Gives the logits of photos `[n, size, size, 3]` of the network's own size, which its squash leaves as they are, one
 * photo at a time.
 */
export async function runForeignModel(
  { network, weights }: Pick<ForeignModel, 'network' | 'weights'>,
  photos: Uint8Array,
): Promise<Float32Array[]> {
  const { size } = network.input
  const session = await loadSession(encodeInferenceGraph(network, weights))
  const answers: Float32Array[] = []
  try {
    for (let at = 0; at < photos.length; at += size * size * 3) {
      const data = photos.subarray(at, at + size * size * 3)
      const { logits } = await session.run({ data, dims: [1, size, size, 3] }, ['logits'])
      answers.push(logits ?? new Float32Array())
    }
  } finally {
    await session.close()
  }
  return answers
}

/** Probabilities of logits. */
export function softmaxOf(logits: Float32Array): number[] {
  const largest = Math.max(...logits)
  const powers = Array.from(logits, (value) => Math.exp(value - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}
