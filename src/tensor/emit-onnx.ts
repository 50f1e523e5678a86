/** Emits a network and its weights as ONNX inference nodes. */
import { VergerError } from '../core/errors.ts'
import { float, type GraphBuilder, type Value } from './graph-builder.ts'
import {
  type Activation,
  type ActivationLayer,
  type ConvLayer,
  INPUT,
  type Layer,
  type LayerId,
  type Network,
  type PoolLayer,
  toPair,
} from './network.ts'
import { inferShapes, padsOf, type Shape } from './network-shapes.ts'
import type { FloatTensor, Weights } from './tensor.ts'

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
  const values = emitLayers(graph, network, {
    input,
    weight: (name, dims) => {
      const { data } = requireWeight(network.name, weights, name, dims)
      return graph.constant(name, data, dims)
    },
  })
  const get = (id: LayerId): Value => (id === INPUT ? input : values[id]!)
  return Object.fromEntries(
    Object.entries(network.outputs).map(([name, { layer }]) => [name, get(layer)]),
  )
}

/** Where values and weights come from, and what becomes of a layer's result. */
export interface EmitOptions {
  readonly input: Value
  /** Adds a weight of a layer. */
  weight(name: string, dims: readonly number[], layer: Layer): Value
  /** Takes the result of a layer; what it gives is what later layers read. By default the result itself. */
  finish?(value: Value, id: LayerId): Value
  /** Layers that pass their input on, because what they do is done elsewhere. */
  isPassed?(id: LayerId): boolean
}

/** Adds the layers to `graph` one by one and gives their values. */
export function emitLayers(
  graph: GraphBuilder,
  network: Network,
  { input, weight, finish = (value) => value, isPassed = () => false }: EmitOptions,
): Value[] {
  const { size } = network.input
  const shapes = inferShapes(network)
  const values: Value[] = []
  const pooled = new Set(
    network.layers.flatMap((layer) =>
      layer.op === 'max-pool' || layer.op === 'average-pool' ? [network.layers[layer.input]] : [],
    ),
  )
  const emitter: Emitter = {
    graph,
    value: (id) => (id === INPUT ? input : values[id]!),
    shape: (id) => (id === INPUT ? { channels: 3, height: size, width: size } : shapes[id]!),
    weight,
    isPooled: (layer) => pooled.has(layer),
  }
  // What layers share comes before the weights; the order decides the bytes of the file.
  if (network.layers.some(({ op }, id) => op === 'relu6' && !isPassed(id))) declareSix(graph)
  for (const [id, layer] of network.layers.entries()) {
    const value =
      isPassed(id) && 'input' in layer ? emitter.value(layer.input) : emitLayer(emitter, layer)
    values.push(finish(value, id))
  }
  return values
}

interface Emitter {
  readonly graph: GraphBuilder
  value(id: LayerId): Value
  shape(id: LayerId): Shape
  weight(name: string, dims: readonly number[], layer: Layer): Value
  /** Whether a pool reads the result of this layer. */
  isPooled(layer: Layer): boolean
}

function emitLayer(emitter: Emitter, layer: Layer): Value {
  const { graph, value, shape, weight } = emitter
  switch (layer.op) {
    case 'conv':
      return emitConv(emitter, layer)
    case 'max-pool':
    case 'average-pool':
      return emitPool(emitter, layer)
    case 'dense': {
      const kernel = weight(
        `${layer.name}/kernel`,
        [layer.units, shape(layer.input).channels],
        layer,
      )
      const bias = weight(`${layer.name}/bias`, [layer.units], layer)
      return graph.node('Gemm', [value(layer.input), kernel, bias], { transB: 1 })
    }
    case 'scale': {
      const { channels, height } = shape(layer.input)
      const dims = height === undefined ? [channels] : [channels, 1, 1]
      const perChannel = (name: string) => {
        const flat = weight(`${layer.name}/${name}`, [channels], layer)
        if (dims.length === 1) return flat
        const to = graph.constant(
          `dims_${channels}`,
          BigInt64Array.of(BigInt(channels), 1n, 1n),
          [3],
        )
        return graph.node('Reshape', [flat, to])
      }
      const scaled = graph.node('Mul', [value(layer.input), perChannel('scale')])
      return graph.node('Add', [scaled, perChannel('offset')])
    }
    case 'add':
      return graph.node('Add', layer.inputs.map(value))
    case 'multiply':
      return graph.node('Mul', layer.inputs.map(value))
    case 'concat':
      return graph.node('Concat', layer.inputs.map(value), { axis: 1 })
    case 'pad': {
      const [top, left, bottom, right] = layer.padding
      const int64 = (name: string, values: readonly number[]) =>
        graph.constant(name, BigInt64Array.from(values, BigInt), [values.length])
      if (emitter.isPooled(layer)) {
        // onnxruntime takes zeros in front of a pool for its own padding, which never counts; not where axes are named.
        const pads = int64(`pads_${layer.padding.join('_')}`, layer.padding)
        return graph.node('Pad', [value(layer.input), pads, '', int64('axes_2_3', [2, 3])])
      }
      const pads = [0, 0, top, left, 0, 0, bottom, right]
      return graph.node('Pad', [value(layer.input), int64(`pads_${pads.join('_')}`, pads)])
    }
    case 'global-average-pool':
    case 'global-max-pool': {
      const opType = layer.op === 'global-max-pool' ? 'GlobalMaxPool' : 'GlobalAveragePool'
      const pooled = graph.node(opType, [value(layer.input)])
      return layer.staysMap === true ? pooled : graph.node('Flatten', [pooled], { axis: 1 })
    }
    case 'flatten': {
      const from = value(layer.input)
      const map =
        layer.channels === 'slowest'
          ? from
          : graph.node('Transpose', [from], { perm: [0, 2, 3, 1] })
      return graph.node('Flatten', [map], { axis: 1 })
    }
    case 'to-map':
      return graph.node('Unsqueeze', [
        value(layer.input),
        graph.constant('axes_2_3', BigInt64Array.of(2n, 3n), [2]),
      ])
    case 'unit':
      return emitUnit(graph, value(layer.input))
    case 'mirror':
      return emitMirror(graph, value(layer.input))
    case 'round': {
      if (layer.halves === 'even') return graph.node('Round', [value(layer.input)])
      const half = graph.constant('half', Float32Array.of(0.5), [])
      return graph.node('Floor', [graph.node('Add', [value(layer.input), half])])
    }
    case 'clip': {
      const [least, most] = [layer.least, layer.most].map((bound) =>
        graph.constant(`bound_${bound}`, Float32Array.of(bound), []),
      ) as [Value, Value]
      return graph.node('Clip', [value(layer.input), least, most])
    }
    default:
      return emitActivation(graph, layer, value(layer.input))
  }
}

/** Divides each row by its length; a row of zeros stays. */
export const emitUnit = (graph: GraphBuilder, rows: Value): Value =>
  graph.node('LpNormalization', [rows], { axis: 1, p: 2 })

/** Exchanges left and right of `[n, c, h, w]`: from the last column to before the first, backwards. */
export function emitMirror(graph: GraphBuilder, map: Value): Value {
  const one = (name: string, number: bigint) => graph.constant(name, BigInt64Array.of(number), [1])
  return graph.node('Slice', [
    map,
    one('mirror_from', -1n),
    one('mirror_to', -(2n ** 62n)),
    one('mirror_axis', 3n),
    one('mirror_step', -1n),
  ])
}

/** The bounds of `relu6`. */
const declareSix = (graph: GraphBuilder): [Value, Value] => [
  graph.constant('zero', Float32Array.of(0), []),
  graph.constant('six', Float32Array.of(6), []),
]

/** Activations that ONNX has as they are. */
const PLAIN: Partial<Record<Activation, string>> = {
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  'hard-swish': 'HardSwish',
}

function emitActivation(graph: GraphBuilder, { op, alpha }: ActivationLayer, x: Value): Value {
  const scalar = (name: string, number: number) => graph.constant(name, Float32Array.of(number), [])
  const plain = PLAIN[op]
  if (plain !== undefined) return graph.node(plain, [x])
  switch (op) {
    case 'relu6':
      return graph.node('Clip', [x, ...declareSix(graph)])
    case 'silu':
      return graph.node('Mul', [x, graph.node('Sigmoid', [x])])
    case 'hard-sigmoid':
      return graph.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) })
    case 'leaky-relu':
      return graph.node('LeakyRelu', [x], { alpha: float(alpha ?? 0.01) })
    case 'elu':
      return graph.node('Elu', [x], { alpha: float(alpha ?? 1) })
    case 'root':
      return graph.node('Sqrt', [graph.node('Relu', [x])])
    case 'softmax':
      return graph.node('Softmax', [x], { axis: 1 })
    default: {
      const turned = graph.node('Erf', [graph.node('Div', [x, scalar('root_two', Math.SQRT2)])])
      const share = graph.node('Add', [turned, scalar('one', 1)])
      return graph.node('Mul', [graph.node('Mul', [x, share]), scalar('half', 0.5)])
    }
  }
}

function emitConv({ graph, value, shape, weight }: Emitter, layer: ConvLayer): Value {
  const { filters, kernelSize, stride, dilation = 1, groups, padding } = layer
  const from = shape(layer.input)
  const taps = toPair(kernelSize)
  const steps = toPair(dilation)
  const extent = [(taps[0] - 1) * steps[0] + 1, (taps[1] - 1) * steps[1] + 1] as const
  const kernel = weight(`${layer.name}/kernel`, [filters, from.channels / groups, ...taps], layer)
  const bias = weight(`${layer.name}/bias`, [filters], layer)
  return graph.node('Conv', [value(layer.input), kernel, bias], {
    kernel_shape: taps,
    strides: toPair(stride),
    ...(dilation === 1 ? {} : { dilations: steps }),
    group: groups,
    pads: padsOf(padding, mapSize(from), extent, stride),
  })
}

function emitPool({ graph, value, shape }: Emitter, layer: PoolLayer): Value {
  const taps = toPair(layer.kernelSize)
  const attributes = {
    kernel_shape: taps,
    strides: toPair(layer.stride),
    pads: padsOf(layer.padding, mapSize(shape(layer.input)), taps, layer.stride),
  }
  if (layer.op === 'max-pool') return graph.node('MaxPool', [value(layer.input)], attributes)
  const counts = layer.countsPadding === true ? 1 : 0
  return graph.node('AveragePool', [value(layer.input)], {
    ...attributes,
    count_include_pad: counts,
  })
}

const mapSize = ({ height = 1, width = 1 }: Shape) => ({ height, width })

/** The weight of this name. Throws `backbone_damaged` where it is missing or has another shape. */
export function requireWeight(
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
