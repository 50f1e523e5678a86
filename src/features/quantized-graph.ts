/** The inference model in 8 bit, and the model that finds what it needs to know. */
import { emitPreprocessing } from '../images/preprocess-graph.ts'
import { emitObservation, emitQuantizedNetwork } from '../tensor/emit-onnx-int8.ts'
import { createGraphBuilder } from '../tensor/graph-builder.ts'
import type { Network } from '../tensor/network.ts'
import type { Observation } from '../tensor/quantize.ts'
import type { Weights } from '../tensor/tensor.ts'

/** Encodes the model that `encodeInferenceGraph` gives, with convolutions that compute in 8 bit. */
export function encodeQuantizedGraph(
  network: Network,
  weights: Weights,
  observed: Observation,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const graph = createGraphBuilder(network.name)
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const input = emitPreprocessing(graph, image, network.input)
  const values = emitQuantizedNetwork(graph, network, weights, observed, input)
  for (const [name, { width }] of Object.entries(network.outputs)) {
    graph.output(name, values[name] ?? name, 'float32', ['n', width])
  }
  return graph.encode(metadata)
}

/** Encodes a model whose outputs `ranges` and `means` are what `Observer` gathers from one photo. */
export function encodeObservationGraph(network: Network, weights: Weights): Uint8Array {
  const graph = createGraphBuilder(network.name)
  const image = graph.input('image', 'uint8', [1, 'height', 'width', 3])
  const input = emitPreprocessing(graph, image, network.input)
  const { ranges, means } = emitObservation(graph, network, weights, input)
  graph.output('ranges', ranges, 'float32', [2 * network.layers.length])
  graph.output('means', means, 'float32', [1, 'channels'])
  return graph.encode()
}
