/** Emits convolutions as TensorFlow computes them on a CPU, which knows fewer of them than the layers do. */
import { type ConvLayer, toPair } from './network.ts'
import { padsOf } from './network-shapes.ts'
import type { FloatTensor } from './tensor.ts'
import { addBias, type Emitter, INT_AXES, mapSize, paddedInput, T } from './tensorflow-emitter.ts'
import { attr, type TensorflowGraph, type Value } from './tensorflow-graph.ts'

export function emitConv(emitter: Emitter, layer: ConvLayer): Value {
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
