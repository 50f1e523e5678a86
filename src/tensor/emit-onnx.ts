/** Emits a network and its weights as ONNX inference nodes. */
import { VergerError } from '../core/errors.ts'
import type { GraphBuilder, Value } from './graph-builder.ts'
import { type ConvLayer, INPUT, type LayerId, type Network, samePadding } from './network.ts'
import type { FloatTensor, Weights } from './tensor.ts'

interface EmittedLayer {
  readonly value: Value
  /** Channels, or features once pooled. */
  readonly channels: number
  /** Height and width in pixels; 1 once pooled. */
  readonly size: number
}

/**
 * Adds the network to `graph`, reading `input` `[n, 3, size, size]`, and gives the value of each named output.
 * Throws `backbone_damaged` naming the first weight that is missing or has another shape.
 */
export function emitNetwork(
  graph: GraphBuilder,
  network: Network,
  weights: Weights,
  input: Value,
): Record<string, Value> {
  const emitted: EmittedLayer[] = []
  const get = (id: LayerId): EmittedLayer =>
    id === INPUT ? { value: input, channels: 3, size: network.input.size } : emitted[id]!
  const weight = (name: string, dims: readonly number[]): Value => {
    const tensor = requireWeight(network.name, weights, name, dims)
    return graph.constant(name, tensor.data, tensor.dims)
  }
  const zero = graph.constant('zero', Float32Array.of(0), [])
  const six = graph.constant('six', Float32Array.of(6), [])

  for (const layer of network.layers) {
    switch (layer.op) {
      case 'conv':
        emitted.push(emitConv(graph, layer, get(layer.input), weight))
        break
      case 'relu6': {
        const from = get(layer.input)
        emitted.push({ ...from, value: graph.node('Clip', [from.value, zero, six]) })
        break
      }
      case 'add': {
        const [left, right] = layer.inputs.map(get) as [EmittedLayer, EmittedLayer]
        emitted.push({ ...left, value: graph.node('Add', [left.value, right.value]) })
        break
      }
      case 'global-average-pool': {
        const from = get(layer.input)
        const pooled = graph.node('GlobalAveragePool', [from.value])
        const value = graph.node('Flatten', [pooled], { axis: 1 })
        emitted.push({ value, channels: from.channels, size: 1 })
        break
      }
      case 'dense': {
        const from = get(layer.input)
        const kernel = weight(`${layer.name}/kernel`, [layer.units, from.channels])
        const bias = weight(`${layer.name}/bias`, [layer.units])
        const value = graph.node('Gemm', [from.value, kernel, bias], { transB: 1 })
        emitted.push({ value, channels: layer.units, size: 1 })
        break
      }
    }
  }
  return Object.fromEntries(
    Object.entries(network.outputs).map(([name, { layer }]) => [name, get(layer).value]),
  )
}

function emitConv(
  graph: GraphBuilder,
  layer: ConvLayer,
  from: EmittedLayer,
  weight: (name: string, dims: readonly number[]) => Value,
): EmittedLayer {
  const { filters, kernelSize: k, stride, groups } = layer
  const [before, after] = samePadding(from.size, k, stride)
  const kernel = weight(`${layer.name}/kernel`, [filters, from.channels / groups, k, k])
  const bias = weight(`${layer.name}/bias`, [filters])
  const value = graph.node('Conv', [from.value, kernel, bias], {
    kernel_shape: [k, k],
    strides: [stride, stride],
    group: groups,
    pads: [before, before, after, after],
  })
  return { value, channels: filters, size: Math.ceil(from.size / stride) }
}

function requireWeight(
  network: string,
  weights: Weights,
  name: string,
  dims: readonly number[],
): FloatTensor {
  const tensor = weights.get(name)
  if (tensor !== undefined && tensor.dims.join() === dims.join()) return tensor
  const received = tensor === undefined ? 'nothing' : `[${tensor.dims.join(', ')}]`
  throw new VergerError(
    'backbone_damaged',
    `${network} expects the weight ${name} of shape [${dims.join(', ')}], received ${received}`,
    { details: { network, weight: name, dims } },
  )
}
