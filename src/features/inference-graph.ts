/** Preprocessing and network composed into the one model that every engine runs. */
import { emitPreprocessing } from '../images/preprocess-graph.ts'
import { emitNetwork } from '../tensor/emit-onnx.ts'
import { createGraphBuilder } from '../tensor/graph-builder.ts'
import type { Network } from '../tensor/network.ts'
import type { Weights } from '../tensor/tensor.ts'

/**
 * Encodes the inference model of a network as ONNX.
 * Input `image`: uint8 `[n, height, width, 3]`, RGB. Outputs: each output of the network, float32 `[n, width]`.
 */
export function encodeInferenceGraph(
  network: Network,
  weights: Weights,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const graph = createGraphBuilder(network.name)
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const values = emitNetwork(
    graph,
    network,
    weights,
    emitPreprocessing(graph, image, network.input),
  )
  for (const [name, { width }] of Object.entries(network.outputs)) {
    graph.output(name, values[name] ?? name, 'float32', ['n', width])
  }
  return graph.encode(metadata)
}
