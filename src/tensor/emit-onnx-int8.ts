/**
 * Emits a network that computes in 8 bit: QDQ nodes, which ONNX Runtime fuses into integer kernels
 * (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Activations are uint8 with one scale
 * and zero point a layer, kernels int8 with one scale a filter, biases int32.
 */
import { emitLayers, requireWeight } from './emit-onnx.ts'
import type { GraphBuilder, Value } from './graph-builder.ts'
import { type ConvLayer, INPUT, type Layer, type LayerId, type Network } from './network.ts'
import {
  convInputs,
  type Observation,
  type QuantizedConv,
  quantizeConv,
  type ValueRange,
} from './quantize.ts'
import type { Weights } from './tensor.ts'

/** Layers whose result is brought to 8 bit: what computes in integers, and what stands between. */
const QUANTIZED: ReadonlySet<Layer['op']> = new Set([
  'conv',
  'relu',
  'relu6',
  'add',
  'concat',
  'max-pool',
  'average-pool',
])

/**
 * Adds the network to `graph`, reading `input` `[n, 3, size, size]` in float, and gives the value of each named output in
 * float. Pooled features and what follows are computed in float.
 */
export function emitQuantizedNetwork(
  graph: GraphBuilder,
  network: Network,
  weights: Weights,
  observed: Observation,
  input: Value,
): Record<string, Value> {
  const scales = scalesOf(network, observed)
  const quantized = new Map<ConvLayer, QuantizedConv>()
  const passed = absorbedActivations(network)
  const absorbs = new Set([...passed].map((id) => inputOf(network.layers[id]!)))
  const quantize = (value: Value, id: LayerId): Value => {
    const { scale, zero } = scales(id)
    const name = id === INPUT ? 'input' : `layer${id}`
    const parameters = [
      graph.constant(`${name}/scale`, Float32Array.of(scale), []),
      graph.constant(`${name}/zero`, Uint8Array.of(zero), []),
    ]
    const integers = graph.node('QuantizeLinear', [value, ...parameters])
    return graph.node('DequantizeLinear', [integers, ...parameters])
  }
  const { size } = network.input
  // ONNX Runtime 1.30 would carry the transposition of the photo through its resize, which it gets wrong: a shape holds it.
  const held = graph.node('Reshape', [
    input,
    graph.constant('held', BigInt64Array.from([-1, 3, size, size], BigInt), [4]),
  ])
  const values = emitLayers(graph, network, {
    input: quantize(held, INPUT),
    weight(name, dims, layer) {
      if (layer.op !== 'conv') {
        return graph.constant(name, requireWeight(network.name, weights, name, dims).data, dims)
      }
      const means = observed.means.get(layer.input) ?? new Float64Array()
      const conv = quantized.get(layer) ?? quantizeConv(network, weights, layer, means)
      quantized.set(layer, conv)
      return name.endsWith('/bias')
        ? emitBias(graph, name, conv, scales(layer.input).scale)
        : emitIntegers(
            graph,
            name,
            conv.kernel,
            dims,
            conv.scales,
            new Int8Array(conv.scales.length),
          )
    },
    finish: (value, id) =>
      absorbs.has(id) || !QUANTIZED.has(network.layers[id]!.op) ? value : quantize(value, id),
    isPassed: (id) => passed.has(id),
  })
  return Object.fromEntries(
    Object.entries(network.outputs).map(([name, { layer }]) => [
      name,
      layer === INPUT ? input : values[layer]!,
    ]),
  )
}

const inputOf = (layer: Layer): LayerId | undefined => ('input' in layer ? layer.input : undefined)

/**
 * ReLU and ReLU6 whose input nobody else reads: bringing their result to 8 bit cuts off what they cut off, so they need no
 * node of their own.
 */
function absorbedActivations({ layers, outputs }: Network): Set<LayerId> {
  const readers = new Map<LayerId, number>()
  const read = (id: LayerId) => readers.set(id, (readers.get(id) ?? 0) + 1)
  for (const layer of layers) {
    if ('input' in layer) read(layer.input)
    else layer.inputs.forEach(read)
  }
  for (const { layer } of Object.values(outputs)) read(layer)
  return new Set(
    [...layers.keys()].filter((id) => {
      const layer = layers[id]!
      if (layer.op !== 'relu' && layer.op !== 'relu6') return false
      const before = layers[layer.input]
      return before !== undefined && QUANTIZED.has(before.op) && readers.get(layer.input) === 1
    }),
  )
}

interface Scale {
  readonly scale: number
  /** The integer that means 0, so that padding is exact. */
  readonly zero: number
}

/** Scale and zero point of each layer. What only moves or picks values keeps those of its input. */
function scalesOf({ layers }: Network, observed: Observation): (id: LayerId) => Scale {
  const known = new Map<LayerId, Scale>()
  const get = (id: LayerId): Scale => {
    const found = known.get(id)
    if (found !== undefined) return found
    const layer = layers[id]
    const scale =
      layer?.op === 'max-pool'
        ? get(layer.input)
        : toScale(id === INPUT ? observed.input : observed.layers[id]!)
    known.set(id, scale)
    return scale
  }
  return get
}

function toScale({ min, max }: ValueRange): Scale {
  const low = Math.min(0, min)
  const high = Math.max(0, max)
  const scale = (high - low) / 255 || 1
  return { scale, zero: Math.round(-low / scale) }
}

/** Adds integers `[filters, …]` that count in steps of `scales` `[filters]`. */
function emitIntegers<Integers extends Int8Array | Int32Array>(
  graph: GraphBuilder,
  name: string,
  integers: Integers,
  dims: readonly number[],
  scales: Float32Array,
  zeros: Integers,
): Value {
  const parameters = [
    graph.constant(`${name}/scale`, scales, [scales.length]),
    graph.constant(`${name}/zero`, zeros, [zeros.length]),
  ]
  return graph.node('DequantizeLinear', [graph.constant(name, integers, dims), ...parameters], {
    axis: 0,
  })
}

const LARGEST_BIAS = 2 ** 31 - 1

/** A bias counts in steps of the products that it is added to. */
function emitBias(
  graph: GraphBuilder,
  name: string,
  { bias, scales: kernelScales }: QuantizedConv,
  inputScale: number,
): Value {
  const scales = kernelScales.map((scale) => scale * inputScale)
  const integers = Int32Array.from(bias, (value, filter) =>
    Math.max(-LARGEST_BIAS, Math.min(LARGEST_BIAS, Math.round(value / scales[filter]!))),
  )
  return emitIntegers(graph, name, integers, [bias.length], scales, new Int32Array(bias.length))
}

/**
 * Adds the network in float and gives what `Observer` gathers: `ranges` `[layers · 2]`, least and largest value of each
 * layer, and `means` `[1, sum of channels]` of what convolutions read.
 */
export function emitObservation(
  graph: GraphBuilder,
  network: Network,
  weights: Weights,
  input: Value,
): { ranges: Value; means: Value } {
  const extremes: Value[] = []
  const one = graph.constant('one_dimension', BigInt64Array.of(1n), [1])
  const values = emitLayers(graph, network, {
    input,
    weight: (name, dims) =>
      graph.constant(name, requireWeight(network.name, weights, name, dims).data, dims),
    finish(value) {
      for (const reduction of ['ReduceMin', 'ReduceMax']) {
        const extreme = graph.node(reduction, [value], { keepdims: 0 })
        extremes.push(graph.node('Reshape', [extreme, one]))
      }
      return value
    },
  })
  const means = convInputs(network).map((id) => {
    const pooled = graph.node('GlobalAveragePool', [id === INPUT ? input : values[id]!])
    return graph.node('Flatten', [pooled], { axis: 1 })
  })
  return {
    ranges: graph.node('Concat', extremes, { axis: 0 }),
    means: graph.node('Concat', means, { axis: 1 }),
  }
}
