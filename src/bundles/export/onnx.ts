/** A classifier as one ONNX file: pixels of any size → probabilities; labels and preprocessing in its metadata. */
import { VergerError } from '../../core/errors.ts'
import { emitPreprocessing } from '../../images/preprocess-graph.ts'
import { emitMirror, emitNetwork, emitUnit } from '../../tensor/emit-onnx.ts'
import { emitQuantizedNetwork } from '../../tensor/emit-onnx-int8.ts'
import { createGraphBuilder, type GraphBuilder, type Value } from '../../tensor/graph-builder.ts'
import type { Network } from '../../tensor/network.ts'
import { NAMED_LABELS } from '../signature.ts'
import { describeExport } from './describe-export.ts'
import type { ExportedClassifier, ExportedHead } from './exported-classifier.ts'

/**
 * Encodes `model.onnx`. Input `image`: uint8 `[n, height, width, 3]`, RGB, upright. Outputs: `probabilities`
 * `[n, labels]` in the order of the labels, and the best of each photo, best first: `scores` and `indices`
 * `[n, min(10, labels)]`. Throws `export_too_large` or `backbone_damaged`.
 */
export function encodeOnnx(classifier: ExportedClassifier): Uint8Array {
  const { name, labels, head, views } = classifier
  refuseTooLarge(classifier)
  const graph = createGraphBuilder(name)
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const sizes = new Set(views.map(({ size }) => size))
  const squashed = new Map<number, Value>()
  for (const size of sizes) squashed.set(size, emitSize(graph, classifier.network, image, size))
  const outputs = views.map((view) => {
    const photos = squashed.get(view.size) ?? ''
    return emitView(
      graph,
      classifier,
      view.mirrored ? emitMirror(graph, photos) : photos,
      view.size,
    )
  })
  const mean = emitMean(graph, outputs)
  const logits = head === undefined ? mean : emitHead(graph, head, mean, labels.length)
  const probabilities = graph.node('Softmax', [logits], { axis: 1 })
  const count = Math.min(NAMED_LABELS, labels.length)
  const best = graph.nodeOutputs('TopK', [probabilities, int64(graph, 'named', [count])], 2, {
    axis: 1,
  })
  graph.output('probabilities', probabilities, 'float32', ['n', labels.length])
  graph.output('scores', best[0] ?? '', 'float32', ['n', count])
  graph.output('indices', best[1] ?? '', 'int64', ['n', count])
  return graph.encode(
    Object.fromEntries(
      Object.entries(describeExport(classifier)).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
  )
}

/** What readers of protobuf accept, less what there is beside the weights, amply. */
const MAX_WEIGHT_BYTES = 2 ** 31 - 2 ** 22

function refuseTooLarge({ weights }: ExportedClassifier): void {
  const sizeBytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
  if (sizeBytes <= MAX_WEIGHT_BYTES) return
  throw new VergerError(
    'export_too_large',
    `Expected weights below 2 GiB, received ${sizeBytes} bytes: an ONNX file cannot be larger`,
    { hint: 'Export a smaller network.' },
  )
}

/** The photos as the network takes them at a side: `[n, 3, size, size]`. */
function emitSize(graph: GraphBuilder, { input }: Network, image: Value, size: number): Value {
  const prefix = size === input.size ? '' : `${size}_`
  return emitPreprocessing(graph, image, { ...input, size }, prefix)
}

/** The output of the network that is read, for photos of one side. */
function emitView(
  graph: GraphBuilder,
  { network, weights, observed, head }: ExportedClassifier,
  photos: Value,
  size: number,
): Value {
  const resized = { ...network, input: { ...network.input, size } }
  const values =
    observed === undefined
      ? emitNetwork(graph, resized, weights, photos)
      : emitQuantizedNetwork(graph, resized, weights, observed, photos)
  return values[head === undefined ? 'logits' : 'features'] ?? ''
}

function emitMean(graph: GraphBuilder, values: readonly Value[]): Value {
  const [only = ''] = values
  return values.length === 1 ? only : graph.node('Mean', values)
}

function emitHead(
  graph: GraphBuilder,
  { scaling, weights, bias }: ExportedHead,
  features: Value,
  labels: number,
): Value {
  const roots = scaling === 'root' ? graph.node('Sqrt', [graph.node('Relu', [features])]) : features
  const scaled = scaling === 'standard' ? features : emitUnit(graph, roots)
  return graph.node('Gemm', [
    scaled,
    graph.constant('verger/head/kernel', weights, [weights.length / labels, labels]),
    graph.constant('verger/head/bias', bias, [labels]),
  ])
}

const int64 = (graph: GraphBuilder, name: string, values: readonly number[]): Value =>
  graph.constant(name, BigInt64Array.from(values, BigInt), [values.length])
