/** Emits a network and its weights as TensorFlow inference nodes: maps are `[n, h, w, c]`, all weights are constants. */
import { requireWeight } from './emit-onnx.ts'
import { emitConv } from './emit-tensorflow-conv.ts'
import { emitAveragePool, emitMaxPool } from './emit-tensorflow-pool.ts'
import { type ActivationLayer, INPUT, type Layer, type Network } from './network.ts'
import { inferShapes } from './network-shapes.ts'
import type { Weights } from './tensor.ts'
import {
  addBias,
  type Emitter,
  emitPadding,
  INT_AXES,
  T,
  vectorOrMatrix,
} from './tensorflow-emitter.ts'
import { type Attributes, attr, type TensorflowGraph, type Value } from './tensorflow-graph.ts'

/**
 * Adds the network to `graph`, reading `input` `[n, size, size, 3]`, and gives the value of each named output.
 * The same network can be added for several sizes: weights are added once, under their own names.
 * Throws `backbone_damaged` naming the first weight that is missing or has another shape.
 */
export function emitTensorflowNetwork(
  graph: TensorflowGraph,
  network: Network,
  weights: Weights,
  input: Value,
): Record<string, Value> {
  const { size } = network.input
  const shapes = inferShapes(network)
  const values: Value[] = []
  const emitter: Emitter = {
    graph,
    value: (id) => (id === INPUT ? input : values[id]!),
    shape: (id) => (id === INPUT ? { channels: 3, height: size, width: size } : shapes[id]!),
    weight: (name, dims) => requireWeight(network.name, weights, name, dims),
  }
  for (const layer of network.layers) values.push(emitLayer(emitter, layer))
  return Object.fromEntries(
    Object.entries(network.outputs).map(([name, { layer }]) => [name, emitter.value(layer)]),
  )
}

function emitLayer(emitter: Emitter, layer: Layer): Value {
  const { graph, value, shape } = emitter
  switch (layer.op) {
    case 'conv':
      return emitConv(emitter, layer)
    case 'max-pool':
      return emitMaxPool(emitter, layer)
    case 'average-pool':
      return emitAveragePool(emitter, layer)
    case 'dense': {
      const { name, units } = layer
      const kernel = vectorOrMatrix(emitter, `${name}/kernel`, [units, shape(layer.input).channels])
      const product = graph.node('MatMul', [value(layer.input), kernel], {
        ...T,
        transpose_b: attr.bool(true),
      })
      return addBias(emitter, product, name, units)
    }
    case 'scale': {
      const { channels } = shape(layer.input)
      const scale = vectorOrMatrix(emitter, `${layer.name}/scale`, [channels])
      const offset = vectorOrMatrix(emitter, `${layer.name}/offset`, [channels])
      const scaled = graph.node('Mul', [value(layer.input), scale], T)
      return graph.node('AddV2', [scaled, offset], T, layer.name)
    }
    case 'add':
      return graph.node('AddV2', layer.inputs.map(value), T)
    case 'multiply':
      return graph.node('Mul', layer.inputs.map(value), T)
    case 'concat':
      return graph.node('ConcatV2', [...layer.inputs.map(value), graph.numbers('int32', [-1])], {
        ...T,
        ...INT_AXES,
        N: attr.int(layer.inputs.length),
      })
    case 'pad':
      return emitPadding(graph, value(layer.input), layer.padding, 0)
    case 'global-average-pool':
    case 'global-max-pool': {
      const axes = graph.numbers('int32', [1, 2], [2])
      return graph.node(
        layer.op === 'global-max-pool' ? 'Max' : 'Mean',
        [value(layer.input), axes],
        {
          ...T,
          ...INT_AXES,
          keep_dims: attr.bool(layer.staysMap === true),
        },
      )
    }
    case 'flatten': {
      const { channels, height = 1, width = 1 } = shape(layer.input)
      const from = value(layer.input)
      const map =
        layer.channels === 'fastest'
          ? from
          : graph.node('Transpose', [from, graph.numbers('int32', [0, 3, 1, 2], [4])], {
              ...T,
              Tperm: attr.type('int32'),
            })
      const dims = graph.numbers('int32', [-1, channels * height * width], [2])
      return graph.node('Reshape', [map, dims], { ...T, Tshape: attr.type('int32') })
    }
    case 'to-map': {
      const dims = graph.numbers('int32', [-1, 1, 1, shape(layer.input).channels], [4])
      return graph.node('Reshape', [value(layer.input), dims], { ...T, Tshape: attr.type('int32') })
    }
    case 'unit':
      return emitTensorflowUnit(graph, value(layer.input))
    case 'mirror':
      return graph.node('ReverseV2', [value(layer.input), graph.numbers('int32', [2], [1])], {
        ...T,
        ...INT_AXES,
      })
    case 'round': {
      if (layer.halves === 'even') return graph.node('Round', [value(layer.input)], T)
      const above = graph.node('AddV2', [value(layer.input), graph.numbers('float', [0.5])], T)
      return graph.node('Floor', [above], T)
    }
    case 'clip': {
      const { least, most } = layer
      const below = graph.node('Minimum', [value(layer.input), graph.numbers('float', [most])], T)
      return graph.node('Maximum', [below, graph.numbers('float', [least])], T)
    }
    default:
      return emitActivation(graph, layer, value(layer.input))
  }
}

/** What a row is divided by at least: a length that no features have but zeros. */
const LEAST_LENGTH = 1e-30

/** Divides each row by its length; a row of zeros stays. */
export function emitTensorflowUnit(graph: TensorflowGraph, rows: Value): Value {
  const squares = graph.node('Square', [rows], T)
  const sum = graph.node('Sum', [squares, graph.numbers('int32', [1], [1])], {
    ...T,
    ...INT_AXES,
    keep_dims: attr.bool(true),
  })
  const least = graph.numbers('float', [LEAST_LENGTH])
  const length = graph.node('Maximum', [graph.node('Sqrt', [sum], T), least], T)
  return graph.node('RealDiv', [rows, length], T)
}

function emitActivation(graph: TensorflowGraph, { op, alpha }: ActivationLayer, x: Value): Value {
  const scalar = (number: number) => graph.numbers('float', [number])
  const unary = (name: string, value: Value, attributes: Attributes = T) =>
    graph.node(name, [value], attributes)
  const binary = (name: string, left: Value, right: Value) => graph.node(name, [left, right], T)
  const hardSigmoid = () =>
    binary('Mul', unary('Relu6', binary('AddV2', x, scalar(3))), scalar(1 / 6))
  switch (op) {
    case 'relu':
      return unary('Relu', x)
    case 'relu6':
      return unary('Relu6', x)
    case 'leaky-relu':
      return unary('LeakyRelu', x, { ...T, alpha: attr.float(alpha ?? 0.01) })
    case 'elu': {
      const below = unary('Expm1', binary('Minimum', x, scalar(0)))
      return binary('AddV2', unary('Relu', x), binary('Mul', below, scalar(alpha ?? 1)))
    }
    case 'sigmoid':
      return unary('Sigmoid', x)
    case 'tanh':
      return unary('Tanh', x)
    case 'silu':
      return binary('Mul', x, unary('Sigmoid', x))
    case 'hard-sigmoid':
      return hardSigmoid()
    case 'hard-swish':
      return binary('Mul', x, hardSigmoid())
    case 'root':
      return unary('Sqrt', unary('Relu', x))
    case 'softmax':
      return unary('Softmax', x)
    default: {
      const turned = unary('Erf', binary('Mul', x, scalar(Math.SQRT1_2)))
      const share = binary('AddV2', turned, scalar(1))
      return binary('Mul', binary('Mul', x, share), scalar(0.5))
    }
  }
}
