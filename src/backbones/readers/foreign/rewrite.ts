/** Replays the layers of a draft, so that one can be dropped, replaced or added without counting ids by hand. */
import { INPUT, inputsOf, type Layer, type LayerId } from '../../../tensor/network.ts'
import { inferShape, type Shape } from '../../../tensor/network-shapes.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'

/** Layers with their weights, and the one whose result counts. */
export interface DraftGraph {
  readonly size: number
  readonly layers: readonly Layer[]
  readonly weights: ReadonlyMap<string, FloatTensor>
  readonly output: LayerId
}

/** What a visitor sees of the graph that is being made. */
export interface Replay {
  readonly weights: Map<string, FloatTensor>
  add(layer: Layer): LayerId
  layer(id: LayerId): Layer | undefined
  shape(id: LayerId): Shape
}

/**
 * Visits each layer, its inputs being ids of the new graph, and takes the id that stands for its result from there on.
 * `readers` tells how often the old layer was read, the output counted.
 */
export function rewrite(
  graph: DraftGraph,
  visit: (layer: Layer, replay: Replay, readers: (input: number) => number) => LayerId,
): DraftGraph {
  const { size, layers, output } = graph
  const weights = new Map(graph.weights)
  const made: Layer[] = []
  const shapes: Shape[] = []
  const shape = (id: LayerId): Shape =>
    id === INPUT ? { channels: 3, height: size, width: size } : shapes[id]!
  const replay: Replay = {
    weights,
    add(layer) {
      shapes.push(inferShape(layer, made.length, shape))
      return made.push(layer) - 1
    },
    layer: (id) => made[id],
    shape,
  }
  const readers = countReaders(graph)
  const renamed: LayerId[] = []
  const rename = (id: LayerId): LayerId => (id === INPUT ? INPUT : renamed[id]!)
  for (const layer of layers) {
    const before = inputsOf(layer)
    renamed.push(visit(withInputs(layer, rename), replay, (at) => readers(before[at]!)))
  }
  return { size, layers: made, weights, output: rename(output) }
}

function countReaders({ layers, output }: DraftGraph): (id: LayerId) => number {
  const counts = new Map<LayerId, number>([[output, 1]])
  for (const id of layers.flatMap(inputsOf)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return (id) => counts.get(id) ?? 0
}

function withInputs(layer: Layer, rename: (id: LayerId) => LayerId): Layer {
  if (!('inputs' in layer)) return { ...layer, input: rename(layer.input) }
  if (layer.op === 'concat') return { ...layer, inputs: layer.inputs.map(rename) }
  const [left, right] = layer.inputs
  return { ...layer, inputs: [rename(left), rename(right)] }
}

/** Leaves out the layers that neither `output` nor `features` needs, and their weights. */
export function prune<G extends DraftGraph & { readonly features?: LayerId }>(graph: G): G {
  const outputs = [graph.output, graph.features ?? graph.output]
  const needed = new Set<LayerId>(outputs)
  for (let id = graph.layers.length - 1; id >= 0; id--) {
    if (needed.has(id)) for (const input of inputsOf(graph.layers[id]!)) needed.add(input)
  }
  const renamed = new Map<LayerId, LayerId>([[INPUT, INPUT]])
  const layers: Layer[] = []
  const rename = (id: LayerId): LayerId => renamed.get(id)!
  for (const [id, layer] of graph.layers.entries()) {
    if (needed.has(id)) renamed.set(id, layers.push(withInputs(layer, rename)) - 1)
  }
  const named = new Set(layers.map((layer) => ('name' in layer ? layer.name : undefined)))
  const weights = new Map(
    [...graph.weights].filter(([name]) => named.has(name.slice(0, name.lastIndexOf('/')))),
  )
  const [output, features] = outputs.map(rename)
  return { ...graph, layers, weights, output, features }
}
