/**
 * The reverse pass. Forwards, each layer's rule writes its result. Backwards, from the last layer to the first, each rule
 * takes the gradient of its result and gives one to every input and weight; what several layers read gets the sum.
 */
import type { Value } from '../graph-builder.ts'
import { INPUT, inputsOf, type Layer, type LayerId } from '../network.ts'
import type { Shape } from '../network-shapes.ts'
import { Flow } from './flow.ts'
import type { MapLayout } from './map-layout.ts'
import type { BackwardContext, Rule, RuleContext } from './rule.ts'
import { findRule } from './rules.ts'
import type { StepGraph } from './step-graph.ts'

export interface TrainedPart {
  readonly graph: StepGraph
  readonly layout: MapLayout
  readonly photos: number
  readonly layers: readonly Layer[]
  /** Of every layer of the network and, by `INPUT`, of its input. */
  shape(id: LayerId): Shape
  /** The first layer that trains; `frozen` gives the results before it. */
  readonly first: LayerId
  frozen(id: LayerId): Value
  /** The layer whose result is wanted. */
  readonly last: LayerId
  weight(name: string): Value
  /** A factor for each number of one layer's result `[n, c]`, as dropout has. */
  readonly factor?: { readonly layer: LayerId; readonly value: Value }
  rule?(layer: Layer): Rule
}

export interface Differentiated {
  readonly result: Flow
  /** Gradients of weights by name, from the gradient of `result`. */
  gradients(gradient: Value): ReadonlyMap<string, Value>
}

/** Writes the layers from `first` to `last` that `last` depends on. */
export function differentiate(part: TrainedPart): Differentiated {
  const { graph, layout, photos, layers, shape, first, last, weight, factor } = part
  const rule = part.rule ?? findRule
  const needed = neededFor(layers, first, last)
  const flows = new Map<LayerId, Flow>()
  const make: RuleContext['make'] = (of, forms) => new Flow({ layout, photos }, of, forms)
  const context: RuleContext = {
    graph,
    layout,
    photos,
    make,
    weight,
    flow(id) {
      const known = flows.get(id) ?? make(shape(id), { plain: part.frozen(id) })
      flows.set(id, known)
      return known
    },
  }
  const multiplied = (id: LayerId, flow: Flow): Flow =>
    factor?.layer === id
      ? make(flow.shape, { plain: graph.multiply(flow.plain(), factor.value) })
      : flow
  const results = new Map<LayerId, Flow>()
  for (const id of needed) {
    const layer = layers[id]!
    const result = rule(layer).forward(context, layer, shape(id))
    results.set(id, result)
    flows.set(id, multiplied(id, result))
  }
  return {
    result: context.flow(last),
    gradients(gradient) {
      const trains = whatTrains(needed, layers, rule, shape)
      const given = new Map<LayerId, Flow[]>([[last, [make(shape(last), { plain: gradient })]]])
      const ofWeights = new Map<string, Value>()
      const backward: BackwardContext = {
        ...context,
        wantsGradient: (id) => trains.has(id),
        give(id, flow) {
          if (trains.has(id)) given.set(id, [...(given.get(id) ?? []), flow])
        },
        giveWeight: (name, value) => ofWeights.set(name, value),
      }
      for (const id of needed.toReversed()) {
        const parts = given.get(id)
        if (parts === undefined) continue
        const total = multiplied(id, sumOf(backward, parts))
        rule(layers[id]!).backward(backward, layers[id]!, total, results.get(id)!)
      }
      return ofWeights
    },
  }
}

function sumOf({ graph, make }: RuleContext, parts: readonly Flow[]): Flow {
  return parts.reduce((sum, part) => {
    const { shape } = part
    return sum.isVector
      ? make(shape, { plain: graph.add(sum.plain(), part.plain()) })
      : make(shape, { map: graph.add(sum.map(), part.map()) })
  })
}

/** Layers from `first` on that `last` depends on, in their order. */
function neededFor(layers: readonly Layer[], first: LayerId, last: LayerId): LayerId[] {
  const needed = new Set([last])
  for (let id = last; id >= first; id--) {
    if (needed.has(id)) for (const input of inputsOf(layers[id]!)) needed.add(input)
  }
  return [...needed].filter((id) => id !== INPUT && id >= first).sort((a, b) => a - b)
}

/** Layers that have weights, or depend on one that has. */
function whatTrains(
  needed: readonly LayerId[],
  layers: readonly Layer[],
  rule: (layer: Layer) => Rule,
  shape: (id: LayerId) => Shape,
): ReadonlySet<LayerId> {
  const trains = new Set<LayerId>()
  for (const id of needed) {
    const layer = layers[id]!
    const inputs = inputsOf(layer)
    const weights = rule(layer).weights?.(layer, shape(inputs[0] ?? INPUT)) ?? {}
    if (Object.keys(weights).length > 0 || inputs.some((input) => trains.has(input))) trains.add(id)
  }
  return trains
}
