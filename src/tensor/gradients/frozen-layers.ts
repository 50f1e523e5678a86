/** Layers that do not train, from the levels of photos on. */
import { type EmitOptions, emitLayers } from '../emit-onnx.ts'
import { emitQuantizedNetwork } from '../emit-onnx-int8.ts'
import type { GraphBuilder, Value } from '../graph-builder.ts'
import { INPUT, type LayerId, type Network, toChannels } from '../network.ts'
import type { Observation } from '../quantize.ts'
import type { Weights } from '../tensor.ts'
import type { StepGraph } from './step-graph.ts'

type Layers = Pick<Network, 'name' | 'input' | 'layers' | 'outputs'>

/**
 * Scales `levels`, RGB `[photos, size, size, 3]`, and adds the layers. Gives the value of a layer, and of the scaled photos by
 * `INPUT`.
 */
export function emitFrozenLayers(
  builder: GraphBuilder,
  graph: StepGraph,
  network: Layers,
  { levels, weight }: { readonly levels: Value } & Pick<EmitOptions, 'weight'>,
): (id: LayerId) => Value {
  const input = emitScaling(builder, graph, network, levels)
  const values = emitLayers(builder, network, { input, weight })
  return (id) => (id === INPUT ? input : values[id]!)
}

/** The same in 8 bit; knows the values of `read` alone. */
export function emitRoundedLayers(
  builder: GraphBuilder,
  graph: StepGraph,
  network: Layers,
  { levels, weights, observed, read }: RoundedOptions,
): (id: LayerId) => Value {
  const input = emitScaling(builder, graph, network, levels)
  const outputs = Object.fromEntries(read.map((id) => [id, { layer: id, width: 0 }]))
  const values = emitQuantizedNetwork(builder, { ...network, outputs }, weights, observed, input)
  return (id) => (id === INPUT ? input : values[id]!)
}

export interface RoundedOptions {
  readonly levels: Value
  readonly weights: Weights
  readonly observed: Observation
  /** Layers whose results are read. */
  readonly read: readonly LayerId[]
}

function emitScaling(
  builder: GraphBuilder,
  graph: StepGraph,
  { input: { mean, divisor } }: Layers,
  levels: Value,
): Value {
  const perChannel = (name: string, values: readonly number[]) =>
    builder.constant(name, Float32Array.from(values), [1, 3, 1, 1])
  const map = graph.transpose(graph.node('Cast', [levels], { to: 1 }), [0, 3, 1, 2])
  const centred = graph.node('Sub', [map, perChannel('mean', toChannels(mean))])
  return graph.node('Div', [centred, perChannel('divisor', toChannels(divisor))])
}
