/** Preprocessing and network composed into the one model that every engine runs. */

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { emitPreprocessing, SIZE_CONSTANTS } from '../images/preprocess-graph.ts'
import { emitNetwork } from '../tensor/emit-onnx.ts'
import { ModelProtoSchema } from '../tensor/generated/onnx_pb.ts'
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

/**
 * The same model for photos of another side: `size` pixels, a multiple of 32 so that every stride meets the padding it
 * was built with. Only the target of the squash changes.
 */
export function resizeInferenceGraph(model: Uint8Array, size: number): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, model)
  for (const constant of proto.graph?.initializer ?? []) {
    if (!SIZE_CONSTANTS.has(constant.name)) continue
    constant.rawData = new Uint8Array(BigInt64Array.of(BigInt(size)).buffer)
  }
  return toBinary(ModelProtoSchema, proto)
}
