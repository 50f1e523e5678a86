/** Emits a network and its weights as TensorFlow inference nodes: maps are `[n, h, w, c]`, all weights are constants. */
import { requireWeight } from './emit-onnx.ts'
import {
  type ActivationLayer,
  type ConvLayer,
  INPUT,
  type Layer,
  type LayerId,
  type Network,
  type Padding,
  type PoolLayer,
  toPair,
} from './network.ts'
import { inferShapes, padsOf, type Shape } from './network-shapes.ts'
import type { FloatTensor, Weights } from './tensor.ts'
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

interface Emitter {
  readonly graph: TensorflowGraph
  value(id: LayerId): Value
  shape(id: LayerId): Shape
  weight(name: string, dims: readonly number[]): FloatTensor
}

/** The element type of all that flows through a network. */
export const T: Attributes = { T: attr.type('float') }
const INT_AXES: Attributes = { Tidx: attr.type('int32') }

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

/** Adds a weight whose order is the same in both worlds. */
function vectorOrMatrix({ graph, weight }: Emitter, name: string, dims: readonly number[]): Value {
  const { data } = weight(name, dims)
  return graph.tensor(name, dims, () => data)
}

function addBias(emitter: Emitter, value: Value, name: string, width: number): Value {
  const bias = vectorOrMatrix(emitter, `${name}/bias`, [width])
  return emitter.graph.node('BiasAdd', [value, bias], T, name)
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

function emitConv(emitter: Emitter, layer: ConvLayer): Value {
  const { name, filters, groups, kernelSize } = layer
  const { channels } = emitter.shape(layer.input)
  const kernel = emitter.weight(`${name}/kernel`, [
    filters,
    channels / groups,
    ...toPair(kernelSize),
  ])
  const isDepthwise = groups === channels && groups > 1
  const conv = isDepthwise
    ? emitDepthwise(emitter, layer, kernel)
    : emitGroups(emitter, layer, kernel)
  return addBias(emitter, conv, name, filters)
}

/** TensorFlow's kernel is `[h, w, channels, filters / channels]`; on a CPU it has no dilation and one stride for both axes. */
function emitDepthwise(emitter: Emitter, layer: ConvLayer, kernel: FloatTensor): Value {
  const { graph } = emitter
  const [filters = 0, , height = 0, width = 0] = kernel.dims
  const { channels } = emitter.shape(layer.input)
  const [down, across] = toPair(layer.stride)
  // Zeros between the taps are what a dilation means.
  const steps = toPair(layer.dilation ?? 1)
  const extent = [(height - 1) * steps[0] + 1, (width - 1) * steps[1] + 1] as const
  const tensor = graph.tensor(
    `${layer.name}/kernel`,
    [...extent, channels, filters / channels],
    () => lastFilters(steps[0] * steps[1] === 1 ? kernel : spread(kernel, extent, steps)),
  )
  const hasOneStride = down === across
  const padding = hasOneStride
    ? layer.padding
    : padsOf(layer.padding, mapSize(emitter.shape(layer.input)), extent, layer.stride)
  const from = paddedInput(emitter, layer.input, padding, 0)
  const step = hasOneStride ? down : 1
  const all = graph.node('DepthwiseConv2dNative', [from.value, tensor], {
    ...T,
    strides: attr.ints([1, step, step, 1]),
    padding: attr.text(from.padding),
  })
  return hasOneStride ? all : everyNth(graph, all, [down, across])
}

/** One convolution, or one for each group with their results side by side: on a CPU TensorFlow has no groups. */
function emitGroups(emitter: Emitter, layer: ConvLayer, kernel: FloatTensor): Value {
  const { graph } = emitter
  const { name, groups, stride, dilation = 1 } = layer
  const [filters = 0, channels = 0, height = 0, width = 0] = kernel.dims
  const from = paddedInput(emitter, layer.input, layer.padding, 0)
  const attributes = {
    ...T,
    strides: attr.ints([1, ...toPair(stride), 1]),
    dilations: attr.ints([1, ...toPair(dilation), 1]),
    padding: attr.text(from.padding),
  }
  const convolve = (input: Value, tensorName: string, part: FloatTensor): Value => {
    const dims = [height, width, channels, part.dims[0] ?? 0]
    const tensor = graph.tensor(tensorName, dims, () => lastFilters(part))
    return graph.node('Conv2D', [input, tensor], attributes)
  }
  if (groups === 1) return convolve(from.value, `${name}/kernel`, kernel)
  const size = kernel.data.length / groups
  const results = Array.from({ length: groups }, (_, group) => {
    const part = {
      dims: [filters / groups, channels, height, width],
      data: kernel.data.subarray(group * size, (group + 1) * size),
    }
    const begin = graph.numbers('int32', [0, 0, 0, group * channels], [4])
    const extent = graph.numbers('int32', [-1, -1, -1, channels], [4])
    const slice = graph.node('Slice', [from.value, begin, extent], {
      ...T,
      Index: attr.type('int32'),
    })
    return convolve(slice, `${name}/kernel_${group}`, part)
  })
  return graph.node('ConcatV2', [...results, graph.numbers('int32', [-1])], {
    ...T,
    ...INT_AXES,
    N: attr.int(groups),
  })
}

function emitMaxPool(emitter: Emitter, layer: PoolLayer): Value {
  // What lies around the map never wins.
  const from = paddedInput(emitter, layer.input, layer.padding, Number.NEGATIVE_INFINITY)
  return emitter.graph.node('MaxPool', [from.value], windowOf(layer, from.padding))
}

function emitAveragePool(emitter: Emitter, layer: PoolLayer): Value {
  const { graph } = emitter
  const counts = layer.countsPadding === true
  const map = mapSize(emitter.shape(layer.input))
  const taps = toPair(layer.kernelSize)
  // TensorFlow's SAME counts no zeros; zeros that are a layer of their own are counted.
  const padding =
    counts && layer.padding === 'same'
      ? padsOf(layer.padding, map, taps, layer.stride)
      : layer.padding
  const from = paddedInput(emitter, layer.input, padding, 0)
  const pooled = graph.node('AvgPool', [from.value], windowOf(layer, from.padding))
  if (counts || typeof padding === 'string') return pooled
  const shares = sharesInside(map, taps, toPair(layer.stride), padding)
  const inside = graph.numbers('float', [...shares.data], shares.dims)
  return graph.node('RealDiv', [pooled, inside], T)
}

const windowOf = ({ kernelSize, stride }: PoolLayer, padding: string): Attributes => ({
  ...T,
  ksize: attr.ints([1, ...toPair(kernelSize), 1]),
  strides: attr.ints([1, ...toPair(stride), 1]),
  padding: attr.text(padding),
})

/** For each position of a window, the share of its area that lies inside the map: `[1, h, w, 1]`. */
function sharesInside(
  map: { readonly height: number; readonly width: number },
  taps: readonly [number, number],
  stride: readonly [number, number],
  [top, left, bottom, right]: readonly [number, number, number, number],
): FloatTensor {
  const along = (size: number, before: number, after: number, tap: number, step: number) => {
    const positions = Math.floor((size + before + after - tap) / step) + 1
    return Array.from({ length: positions }, (_, index) => {
      const start = index * step - before
      return (Math.min(size, start + tap) - Math.max(0, start)) / tap
    })
  }
  const down = along(map.height, top, bottom, taps[0], stride[0])
  const across = along(map.width, left, right, taps[1], stride[1])
  return {
    dims: [1, down.length, across.length, 1],
    data: Float32Array.from(down.flatMap((row) => across.map((column) => row * column))),
  }
}

/** The input of a window that slides, and the padding that is left for TensorFlow to do. */
function paddedInput(
  { graph, value }: Emitter,
  input: LayerId,
  padding: Padding,
  fill: number,
): { readonly value: Value; readonly padding: 'SAME' | 'VALID' } {
  const from = value(input)
  if (padding === 'same') return { value: from, padding: 'SAME' }
  if (padding === 'valid' || padding.every((side) => side === 0)) {
    return { value: from, padding: 'VALID' }
  }
  return { value: emitPadding(graph, from, padding, fill), padding: 'VALID' }
}

function emitPadding(
  graph: TensorflowGraph,
  from: Value,
  [top, left, bottom, right]: readonly [number, number, number, number],
  fill: number,
): Value {
  const sides = graph.numbers('int32', [0, 0, top, bottom, left, right, 0, 0], [4, 2])
  return graph.node('PadV2', [from, sides, graph.numbers('float', [fill])], {
    ...T,
    Tpaddings: attr.type('int32'),
  })
}

/** Each `down`th row and `across`th column of `[n, h, w, c]`. */
function everyNth(
  graph: TensorflowGraph,
  from: Value,
  [down, across]: readonly [number, number],
): Value {
  const four = (values: readonly number[]) => graph.numbers('int32', values, [4])
  return graph.node(
    'StridedSlice',
    [from, four([0, 0, 0, 0]), four([0, 0, 0, 0]), four([1, down, across, 1])],
    { ...T, Index: attr.type('int32'), begin_mask: attr.int(0b1111), end_mask: attr.int(0b1111) },
  )
}

/** `[filters, channels, h, w]` → `[h, w, channels, filters]`. */
function lastFilters({ dims, data }: FloatTensor): Float32Array {
  const [filters = 0, ...rest] = dims
  const [channels = 0, height = 0, width = 0] = rest
  const taps = height * width
  const turned = new Float32Array(data.length)
  for (let filter = 0; filter < filters; filter++) {
    for (let channel = 0; channel < channels; channel++) {
      const start = (filter * channels + channel) * taps
      for (let tap = 0; tap < taps; tap++) {
        turned[(tap * channels + channel) * filters + filter] = data[start + tap]!
      }
    }
  }
  return turned
}

/** Puts zeros between the taps of `[filters, channels, h, w]`, which then cover `extent`. */
function spread(
  { dims, data }: FloatTensor,
  extent: readonly [number, number],
  steps: readonly [number, number],
): FloatTensor {
  const [filters = 0, channels = 0, height = 0, width = 0] = dims
  const wide = new Float32Array(filters * channels * extent[0] * extent[1])
  for (let kernel = 0; kernel < filters * channels; kernel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const to = (kernel * extent[0] + y * steps[0]) * extent[1] + x * steps[1]
        wide[to] = data[(kernel * height + y) * width + x]!
      }
    }
  }
  return { dims: [filters, channels, ...extent], data: wide }
}

const mapSize = ({ height = 1, width = 1 }: Shape) => ({ height, width })
