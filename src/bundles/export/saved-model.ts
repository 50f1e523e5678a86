/** A classifier as a TensorFlow SavedModel that decodes, squashes and names photos by itself. */
import { emitBase64, emitNormalisation, emitPhotos } from '../../images/tensorflow-photo-graph.ts'
import { emitTensorflowNetwork, emitTensorflowUnit } from '../../tensor/emit-tensorflow.ts'
import type { Piece } from '../../tensor/protobuf-pieces.ts'
import {
  attr,
  createTensorflowGraph,
  type TensorflowGraph,
  type Value,
} from '../../tensor/tensorflow-graph.ts'
import { describeSignatures, NAMED_LABELS, type TensorDescription } from '../signature.ts'
import type { ExportedClassifier, ExportedHead } from './exported-classifier.ts'

const FLOAT = { T: attr.type('float') }

/**
 * Frames `saved_model.pb`. Signature `serving_default` takes `image_base64`, `serving_bytes` takes `image_bytes`, each a
 * batch of texts `[n]`. Both give `probabilities` `[n, labels]` in the order of the labels, and the best labels of each
 * photo, best first: `labels` and `scores` `[n, min(10, labels)]`. Throws `export_too_large` or `backbone_damaged`.
 */
export function encodeSavedModel(classifier: ExportedClassifier): Piece[] {
  const { labels } = classifier
  const graph = createTensorflowGraph()
  const text = graph.placeholder('image_base64', 'string', [-1])
  const bytes = graph.node(
    'PlaceholderWithDefault',
    [emitBase64(graph, text)],
    { dtype: attr.type('string'), shape: attr.shape([-1]) },
    'image_bytes',
  )
  const logits = emitLogits(graph, classifier, bytes)
  const probabilities = graph.node('Softmax', [logits], FLOAT, 'probabilities')

  const count = Math.min(NAMED_LABELS, labels.length)
  const best = graph.node(
    'TopKV2',
    [probabilities, graph.numbers('int32', [count])],
    { ...FLOAT, sorted: attr.bool(true) },
    'scores',
  )
  const named = graph.node(
    'GatherV2',
    [
      graph.texts(labels, [labels.length]),
      graph.output(best, 'indices', 1),
      graph.numbers('int32', [0]),
    ],
    { Tparams: attr.type('string'), Tindices: attr.type('int32'), Taxis: attr.type('int32') },
    'labels',
  )
  const values: Readonly<Record<string, Value>> = {
    image_base64: text,
    image_bytes: bytes,
    scores: best,
    labels: named,
    probabilities,
  }
  const valued = (tensors: readonly TensorDescription[]) =>
    Object.fromEntries(
      tensors.map(({ name, type, dims }) => [name, { value: values[name] ?? '', type, dims }]),
    )
  for (const { name, inputs, outputs } of describeSignatures(labels.length)) {
    graph.addSignature(name, { inputs: valued(inputs), outputs: valued(outputs) })
  }
  return graph.encode()
}

/** Bytes of photos `[n]` → logits `[n, labels]`. */
function emitLogits(graph: TensorflowGraph, classifier: ExportedClassifier, bytes: Value): Value {
  const { network, weights, views, head, labels } = classifier
  const sizes = [...new Set(views.map(({ size }) => size))]
  const photos = emitPhotos(graph, bytes, sizes)
  const outputs = views.map(({ size, mirrored }) => {
    const levels = photos[sizes.indexOf(size)] ?? ''
    const input = { ...network.input, size }
    const seen = mirrored ? emitMirror(graph, levels) : levels
    const normalised = emitNormalisation(graph, seen, input)
    return emitTensorflowNetwork(graph, { ...network, input }, weights, normalised)
  })
  const means = outputs.map((values) => values[head === undefined ? 'logits' : 'features'] ?? '')
  const mean = emitMean(graph, means)
  return head === undefined ? mean : emitHead(graph, head, mean, labels.length)
}

/** `[n, height, width, 3]` with left and right exchanged. */
const emitMirror = (graph: TensorflowGraph, photos: Value): Value =>
  graph.node('ReverseV2', [photos, graph.numbers('int32', [2], [1])], {
    ...FLOAT,
    Tidx: attr.type('int32'),
  })

function emitMean(graph: TensorflowGraph, values: readonly Value[]): Value {
  const [only = ''] = values
  if (values.length === 1) return only
  const sum = graph.node('AddN', values, { ...FLOAT, N: attr.int(values.length) })
  return graph.node('RealDiv', [sum, graph.numbers('float', [values.length])], FLOAT)
}

function emitHead(
  graph: TensorflowGraph,
  { scaling, weights, bias }: ExportedHead,
  features: Value,
  labels: number,
): Value {
  const roots =
    scaling === 'root'
      ? graph.node(
          'Sqrt',
          [graph.node('Maximum', [features, graph.numbers('float', [0])], FLOAT)],
          FLOAT,
        )
      : features
  const scaled = scaling === 'standard' ? features : emitTensorflowUnit(graph, roots)
  const kernel = graph.tensor(
    'verger/head/kernel',
    [weights.length / labels, labels],
    () => weights,
  )
  const product = graph.node('MatMul', [scaled, kernel], FLOAT)
  const offset = graph.tensor('verger/head/bias', [labels], () => bias)
  return graph.node('BiasAdd', [product, offset], FLOAT, 'verger/head')
}
