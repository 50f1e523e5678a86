/** A classifier as one ONNX file: pixels of any size → probabilities; labels and preprocessing in its metadata. */
import { emitPreprocessing } from '../../images/preprocess-graph.ts'
import { emitNetwork, emitUnit } from '../../tensor/emit-onnx.ts'
import { emitQuantizedNetwork } from '../../tensor/emit-onnx-int8.ts'
import { createGraphBuilder, type GraphBuilder, type Value } from '../../tensor/graph-builder.ts'
import { describeExport } from './describe-export.ts'
import { type ExportedClassifier, type ExportedHead, NAMED_LABELS } from './exported-classifier.ts'

/**
 * Encodes `model.onnx`. Input `image`: uint8 `[n, height, width, 3]`, RGB, upright. Outputs: `probabilities`
 * `[n, labels]` in the order of the labels, and the best of each photo, best first: `scores` and `indices`
 * `[n, min(10, labels)]`. Throws `export_too_large` or `backbone_damaged`.
 */
export function encodeOnnx(classifier: ExportedClassifier): Uint8Array {
  const { name, labels, head, views } = classifier
  const graph = createGraphBuilder(name)
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const outputs = views.map((view) => emitView(graph, classifier, image, view))
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

/** The output of the network that is read, for one view of the photos. */
function emitView(
  graph: GraphBuilder,
  { network, weights, observed, head }: ExportedClassifier,
  image: Value,
  { size, mirrored }: ExportedClassifier['views'][number],
): Value {
  const input = { ...network.input, size }
  // The numbers of `Slice`: from the last column to before the first, backwards.
  const mirror = (): Value =>
    graph.node('Slice', [
      image,
      int64(graph, 'mirror_start', [-1]),
      int64(graph, 'mirror_end', [Number.MIN_SAFE_INTEGER]),
      int64(graph, 'mirror_axis', [2]),
      int64(graph, 'mirror_step', [-1]),
    ])
  const normalised = emitPreprocessing(
    graph,
    mirrored ? mirror() : image,
    input,
    size === network.input.size ? '' : `${size}_`,
  )
  const resized = { ...network, input }
  const values =
    observed === undefined
      ? emitNetwork(graph, resized, weights, normalised)
      : emitQuantizedNetwork(graph, resized, weights, observed, normalised)
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
