/** Layers that do not train, from the levels of photos on. */
import { type EmitOptions, emitLayers } from '../emit-onnx.ts'
import type { GraphBuilder, Value } from '../graph-builder.ts'
import { INPUT, type LayerId, type Network, toChannels } from '../network.ts'
import type { StepGraph } from './step-graph.ts'

/**
 * Adds the input `photos`, RGB levels `[photos, size, size, 3]`, their scaling and the layers. Gives the value of a layer, and
 * of the scaled photos by `INPUT`.
 */
export function emitFrozenLayers(
  builder: GraphBuilder,
  graph: StepGraph,
  network: Pick<Network, 'name' | 'input' | 'layers' | 'outputs'>,
  { photos, weight }: { readonly photos: number } & Pick<EmitOptions, 'weight'>,
): (id: LayerId) => Value {
  const { size, mean, divisor } = network.input
  const levels = builder.input('photos', 'uint8', [photos, size, size, 3])
  const perChannel = (name: string, values: readonly number[]) =>
    builder.constant(name, Float32Array.from(values), [1, 3, 1, 1])
  const map = graph.transpose(graph.node('Cast', [levels], { to: 1 }), [0, 3, 1, 2])
  const centred = graph.node('Sub', [map, perChannel('mean', toChannels(mean))])
  const input = graph.node('Div', [centred, perChannel('divisor', toChannels(divisor))])
  const values = emitLayers(builder, network, { input, weight })
  return (id) => (id === INPUT ? input : values[id]!)
}
