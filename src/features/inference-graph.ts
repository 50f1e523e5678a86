/** Preprocessing and network composed into the one model that every engine runs. */

import { fromBinary } from '@bufbuild/protobuf'
import { emitPreprocessing } from '../images/preprocess-graph.ts'
import { emitNetwork } from '../tensor/emit-onnx.ts'
import { ModelProtoSchema } from '../tensor/generated/onnx_pb.ts'
import { createGraphBuilder, ELEMENT_TYPES } from '../tensor/graph-builder.ts'
import type { Network } from '../tensor/network.ts'
import type { FloatTensor, Weights } from '../tensor/tensor.ts'

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

/**
 * The same model for photos of another side, in pixels: the squash goes there, and paddings are computed for it. Throws
 * what emitting throws where the network does not take the side; `checkSide` says so before.
 */
export function resizeInferenceGraph(
  model: Uint8Array,
  network: Network,
  size: number,
): Uint8Array {
  const resized = { ...network, input: { ...network.input, size } }
  return encodeInferenceGraph(resized, readWeights(model))
}

/** Weights of a model that `encodeInferenceGraph` wrote: its constants, by their names. */
export function readWeights(model: Uint8Array): Weights {
  const { graph } = fromBinary(ModelProtoSchema, model)
  const weights = new Map<string, FloatTensor>()
  for (const { name, dims, dataType, rawData } of graph?.initializer ?? []) {
    if (dataType !== ELEMENT_TYPES.float32) continue
    weights.set(name, {
      dims: dims.map(Number),
      data: new Float32Array(new Uint8Array(rawData).buffer),
    })
  }
  return weights
}
