/** Finds what a classifier ends with: features, logits, and the function that makes probabilities of them. */
import type { Layer, LayerId } from '../../../tensor/network.ts'
import { inferShapes, type Shape } from '../../../tensor/network-shapes.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { unsupportedModel } from './model-errors.ts'
import type { DraftGraph } from './rewrite.ts'

/** A graph whose output is the logits, a vector. */
export interface ClassifierGraph extends DraftGraph {
  /** What the last dense layer reads; the logits where there is none. */
  readonly features: LayerId
}

/**
 * Takes the last softmax off. A sigmoid over one unit, the odds of the second of two classes, becomes two logits: 0 and
 * its own. Throws `model_unsupported` where the output is not one row of at least two scores for each photo, or where
 * each score has a sigmoid of its own: several labels may be true at once then.
 */
export function findClassifierEnd(graph: DraftGraph): { graph: ClassifierGraph; notes: string[] } {
  const end = new End(graph)
  const notes: string[] = []
  let output = end.behindForms(graph.output)
  const last = end.layers[output]
  if (last?.op === 'softmax' || last?.op === 'sigmoid') {
    output = end.behindForms(last.input)
    notes.push(
      last.op === 'softmax'
        ? 'The softmax at the end was taken off.'
        : 'The sigmoid at the end, the odds of one class, became two logits.',
    )
  } else notes.push('The graph ends without a softmax: its outputs are taken as logits.')

  const { channels, height = 1, width = 1 } = end.shape(output)
  if (height !== 1 || width !== 1) {
    throw unsupportedModel(
      `Expected an output [n, classes], received [n, ${channels}, ${height}, ${width}]`,
    )
  }
  if (last?.op === 'sigmoid' && channels > 1) {
    throw unsupportedModel(
      `Expected one label for each photo, received ${channels} scores with a sigmoid each, of which several may be true at once`,
    )
  }
  if (last?.op !== 'sigmoid' && channels < 2) {
    throw unsupportedModel('Expected an output of at least two classes, received one number')
  }

  let dense = end.asDense(output)
  if (last?.op === 'sigmoid') {
    if (dense === undefined) {
      throw unsupportedModel('Expected a dense layer before the sigmoid at the end, received none')
    }
    dense = end.withZeroLogit(dense)
  }
  if (dense === undefined) {
    const logits = end.asVector(output)
    notes.push('There is no dense layer at the end: the logits serve as features.')
    return { graph: end.toGraph(logits, logits), notes }
  }
  const logits = end.add(dense)
  return { graph: end.toGraph(logits, dense.input), notes }
}

type Dense = Extract<Layer, { op: 'dense' }>

/** The layers with those that are added at the end. */
class End {
  readonly layers: Layer[]
  readonly #graph: DraftGraph
  readonly #weights: Map<string, FloatTensor>
  #shapes: readonly Shape[]

  constructor(graph: DraftGraph) {
    this.#graph = graph
    this.layers = [...graph.layers]
    this.#weights = new Map(graph.weights)
    this.#shapes = this.#infer()
  }

  shape(id: LayerId): Shape {
    const { size } = this.#graph
    return this.#shapes[id] ?? { channels: 3, height: size, width: size }
  }

  add<L extends Layer>(layer: L): LayerId {
    const id = this.layers.push(layer) - 1
    this.#shapes = this.#infer()
    return id
  }

  /** The layer before those that only turn a vector into a map of one position, or back. */
  behindForms(id: LayerId): LayerId {
    let at = id
    while (true) {
      const layer = this.layers[at]
      const isForm =
        layer?.op === 'to-map' ||
        (layer?.op === 'flatten' && isOnePosition(this.shape(layer.input)))
      if (layer === undefined || !isForm) return at
      at = layer.input
    }
  }

  asVector(id: LayerId): LayerId {
    if (this.shape(id).height === undefined) return id
    const behind = this.behindForms(id)
    if (this.shape(behind).height === undefined) return behind
    const layer = this.layers[behind]
    // A pool that stays a map is asked for a vector instead.
    if (layer?.op === 'global-average-pool' || layer?.op === 'global-max-pool') {
      return this.add({ op: layer.op, input: layer.input })
    }
    return this.add({ op: 'flatten', input: behind, channels: 'slowest' })
  }

  /** The layer as a dense one: it is, or it is a convolution over one position. */
  asDense(id: LayerId): Dense | undefined {
    const layer = this.layers[id]
    if (layer?.op === 'dense') return layer
    if (layer?.op !== 'conv' || layer.groups !== 1) return undefined
    const kernel = this.#weights.get(`${layer.name}/kernel`)!
    const [filters, channels, height, width] = kernel.dims as [number, number, number, number]
    if (height !== 1 || width !== 1 || !isOnePosition(this.shape(layer.input))) return undefined
    const name = `${layer.name}/dense`
    this.#weights.set(`${name}/kernel`, { dims: [filters, channels], data: kernel.data })
    this.#weights.set(`${name}/bias`, this.#weights.get(`${layer.name}/bias`)!)
    return { op: 'dense', name, input: this.asVector(layer.input), units: filters }
  }

  /** A dense layer of one unit as one of two, the first of which is always 0. */
  withZeroLogit(layer: Dense): Dense {
    const name = `${layer.name}/pair`
    for (const which of ['kernel', 'bias']) {
      const { dims, data } = this.#weights.get(`${layer.name}/${which}`)!
      const pair = new Float32Array(2 * data.length)
      pair.set(data, data.length)
      this.#weights.set(`${name}/${which}`, { dims: [2, ...dims.slice(1)], data: pair })
    }
    return { ...layer, name, units: 2 }
  }

  toGraph(output: LayerId, features: LayerId): ClassifierGraph {
    return { ...this.#graph, layers: this.layers, weights: this.#weights, output, features }
  }

  #infer(): Shape[] {
    const { size } = this.#graph
    return inferShapes({ input: { size, mean: 0, divisor: 1 }, layers: this.layers })
  }
}

/** A vector counts: it is what such a map becomes. */
const isOnePosition = ({ height = 1, width = 1 }: Shape): boolean => height === 1 && width === 1
