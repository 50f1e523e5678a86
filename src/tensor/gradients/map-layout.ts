/**
 * How the numbers of a map `[n, c, h, w]` lie in memory while a step computes.
 *
 * `blocked` is what the convolutions of ONNX Runtime run fastest on (its own operators `com.microsoft.nchwc.*`): channels in
 * blocks of 8 or 16, as wide as the vectors of the processor, the channels of a block side by side: `[n, c / b, h, w, b]`. Where
 * channels are no multiple of the block, zeros fill it. Where a processor has no such operators, `plain` maps run
 * through those of ONNX with a block of 1, which is the same order of numbers.
 */
import type { Value } from '../graph-builder.ts'
import type { StepGraph } from './step-graph.ts'

const DOMAIN = 'com.microsoft.nchwc'

/** `[n, channels, height, width]`. */
export interface MapShape {
  readonly photos: number
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** A convolution as ONNX counts it. */
export interface Slide {
  readonly taps: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly dilation: readonly [number, number]
  /** `[top, left, bottom, right]`. */
  readonly pads: readonly [number, number, number, number]
}

export interface MapLayout {
  /** Channels of one block; 1 where maps are plain. */
  readonly block: number
  /** Channels with those that fill the last block. */
  filled(channels: number): number
  fromPlain(map: Value, shape: MapShape): Value
  toPlain(map: Value, shape: MapShape): Value
  /** From rows of channels, one for each position: `[n · h · w, c]`. */
  fromRows(rows: Value, shape: MapShape): Value
  toRows(map: Value, shape: MapShape): Value
  plainToRows(map: Value, shape: MapShape): Value
  /** A kernel `[filters, channels, height, width]` as `conv` reads it. */
  kernel(kernel: Value, dims: readonly number[]): Value
  /** The kernel that takes gradients back: channels for filters, and turned around. */
  turnedKernel(kernel: Value, dims: readonly number[]): Value
  /** A kernel `[channels, 1, height, width]` as `depthwise` reads it, and the one that takes gradients back. */
  channelKernel(kernel: Value, channels: number, taps: readonly [number, number]): Value
  turnedChannelKernel(kernel: Value, channels: number, taps: readonly [number, number]): Value
  /** One number for each channel `[c]`, with zeros for those that fill the last block. */
  perChannel(values: Value, channels: number): Value
  /** Convolves a map with a kernel of `kernel` or `turnedKernel`; `sum` is added to the result. */
  conv(map: Value, kernel: Value, slide: Slide, more?: { bias?: Value; sum?: Value }): Value
  /** Convolves every channel with a kernel of its own, given as a map of `count` channels `[count, 1, …]`. */
  depthwise(
    map: Value,
    kernel: Value,
    slide: Slide,
    count: number,
    more?: { bias?: Value; sum?: Value },
  ): Value
  /** Means over positions `[photos, filled channels]`, of a map and of the products of two. */
  mean(map: Value, shape: MapShape): Value
  meanOfProducts(left: Value, right: Value, shape: MapShape): Value
}

const plainToRows = (
  graph: StepGraph,
  map: Value,
  { photos, channels, height, width }: MapShape,
): Value => graph.reshape(graph.transpose(map, [0, 2, 3, 1]), [photos * height * width, channels])

const convAttributes = ({ taps, stride, dilation, pads }: Slide, group: number) => ({
  kernel_shape: taps,
  strides: stride,
  dilations: dilation,
  pads,
  group,
})

/** `block` as `findBlock` found it. */
export function createLayout(graph: StepGraph, block: number): MapLayout {
  return block === 1 ? plainLayout(graph) : blockedLayout(graph, block)
}

function plainLayout(graph: StepGraph): MapLayout {
  const rowsToMap = ({ photos, channels, height, width }: MapShape) =>
    [photos, height, width, channels] as const
  const convolve = (
    map: Value,
    kernel: Value,
    attributes: ReturnType<typeof convAttributes>,
    { bias, sum }: { bias?: Value; sum?: Value } = {},
  ) => {
    const result = graph.node(
      'Conv',
      bias === undefined ? [map, kernel] : [map, kernel, bias],
      attributes,
    )
    return sum === undefined ? result : graph.add(result, sum)
  }
  const mean = (map: Value) => graph.node('ReduceMean', [map, graph.ints([2, 3])], { keepdims: 0 })
  return {
    block: 1,
    filled: (channels) => channels,
    fromPlain: (map) => map,
    toPlain: (map) => map,
    fromRows: (rows, shape) => graph.transpose(graph.reshape(rows, rowsToMap(shape)), [0, 3, 1, 2]),
    toRows: (map, shape) => plainToRows(graph, map, shape),
    plainToRows: (map, shape) => plainToRows(graph, map, shape),
    kernel: (kernel) => kernel,
    turnedKernel: (kernel, dims) => graph.transpose(turn(graph, kernel, dims), [1, 0, 2, 3]),
    channelKernel: (kernel) => kernel,
    turnedChannelKernel: (kernel, channels, taps) => turn(graph, kernel, [channels, 1, ...taps]),
    perChannel: (values) => values,
    conv: (map, kernel, slide, more) => convolve(map, kernel, convAttributes(slide, 1), more),
    depthwise: (map, kernel, slide, count, more) =>
      convolve(map, kernel, convAttributes(slide, count), more),
    mean,
    meanOfProducts: (left, right) => mean(graph.multiply(left, right)),
  }
}

function blockedLayout(graph: StepGraph, block: number): MapLayout {
  const filled = (channels: number) => Math.ceil(channels / block) * block
  const reorder = (map: Value, attributes: Record<string, number> = {}) =>
    graph.node(`${DOMAIN}.ReorderInput`, [map], attributes)
  /** ONNX Runtime fills blocks by itself where channels come in fours. */
  const fill = (value: Value, channels: number, axis: number, rank: number) => {
    const behind = new Array<number>(rank).fill(0)
    if (channels % 4 !== 0) behind[axis] = filled(channels) - channels
    return graph.pad(value, new Array<number>(rank).fill(0), behind)
  }
  const convolve = (
    map: Value,
    kernel: Value,
    attributes: ReturnType<typeof convAttributes>,
    { bias = '', sum }: { bias?: Value; sum?: Value } = {},
  ) => {
    const inputs = [map, kernel, ...(sum !== undefined ? [bias, sum] : bias ? [bias] : [])]
    return graph.node(`${DOMAIN}.Conv`, inputs, attributes)
  }
  /** `[o, i, h, w]` with both channels filled. */
  const fillKernel = (kernel: Value, [o = 1, i = 1]: readonly number[], inputs: number) =>
    graph.pad(kernel, [0, 0, 0, 0], [filled(o) - o, inputs - i, 0, 0])
  /** `[o, i, h, w]` → blocks of o, then blocks of i, the taps, i in its block, o in its block. */
  const blockKernel = (kernel: Value, [o = 1, i = 1, h = 1, w = 1]: readonly number[]) => {
    const isBlocked = i % block === 0
    const byInput =
      isBlocked && h * w > 1
        ? graph.transpose(graph.reshape(kernel, [o, i / block, block, h * w]), [0, 1, 3, 2])
        : kernel
    // What is left is to move o from the first place of each block to the last: maps of one row do the same.
    const rows = graph.reshape(byInput, [o / block, block, 1, i * h * w])
    return graph.reshape(reorder(rows), [o, i, h, w])
  }
  /** As a map of one photo, whose positions are the taps. */
  const channelKernel = (kernel: Value, channels: number, taps: readonly [number, number]) => {
    const map = reorder(fill(graph.reshape(kernel, [1, channels, ...taps]), channels, 1, 4))
    return graph.reshape(map, [filled(channels), 1, ...taps])
  }
  return {
    block,
    filled,
    fromPlain: (map, { channels }) => reorder(fill(map, channels, 1, 4)),
    toPlain: (map, { channels }) => graph.node(`${DOMAIN}.ReorderOutput`, [map], { channels }),
    fromRows: (rows, { photos, channels, height, width }) =>
      reorder(fill(graph.reshape(rows, [photos, height, width, channels]), channels, 3, 4), {
        channels_last: 1,
      }),
    toRows: (map, { photos, channels, height, width }) =>
      graph.reshape(graph.node(`${DOMAIN}.ReorderOutput`, [map], { channels, channels_last: 1 }), [
        photos * height * width,
        channels,
      ]),
    plainToRows: (map, shape) => plainToRows(graph, map, shape),
    kernel(kernel, dims) {
      const [o = 1, i = 1, h = 1, w = 1] = dims
      const inputs = i < block ? i : filled(i)
      return blockKernel(fillKernel(kernel, dims, inputs), [filled(o), inputs, h, w])
    },
    turnedKernel(kernel, dims) {
      const [o = 1, i = 1, h = 1, w = 1] = dims
      if (h * w === 1 && i % block === 0 && o % block === 0) {
        // The rows of a kernel of one tap are a map of i channels at o positions.
        const rows = graph.reshape(kernel, [1, o, 1, i])
        return graph.reshape(reorder(rows, { channels_last: 1 }), [i, o, 1, 1])
      }
      const turned = graph.transpose(turn(graph, kernel, dims), [1, 0, 2, 3])
      return blockKernel(fillKernel(turned, [i, o], filled(o)), [filled(i), filled(o), h, w])
    },
    channelKernel,
    turnedChannelKernel: (kernel, channels, taps) =>
      channelKernel(turn(graph, kernel, [channels, 1, ...taps]), channels, taps),
    perChannel: (values, channels) => graph.pad(values, [0], [filled(channels) - channels]),
    conv: (map, kernel, slide, more) => convolve(map, kernel, convAttributes(slide, 1), more),
    depthwise: (map, kernel, slide, count, more) =>
      convolve(map, kernel, convAttributes(slide, count), more),
    mean: (map, { photos, channels }) =>
      graph.reshape(graph.node(`${DOMAIN}.GlobalAveragePool`, [map]), [photos, filled(channels)]),
    // A map convolved with another as its kernel: photos and channels together are the channels.
    meanOfProducts(left, right, { photos, channels, height, width }) {
      const count = photos * filled(channels)
      const slide = { taps: [height, width], ...UNMOVED } as const
      const sum = convolve(
        graph.reshape(left, [1, count, height, width]),
        graph.reshape(right, [count, 1, height, width]),
        convAttributes(slide, count),
      )
      const sums = graph.reshape(sum, [photos, filled(channels)])
      return graph.multiply(sums, graph.scalar(1 / (height * width)))
    },
  }
}

const UNMOVED = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const

/** Both axes of a kernel backwards. */
export const turn = (graph: StepGraph, kernel: Value, dims: readonly number[]): Value =>
  [2, 3]
    .filter((axis) => dims[axis] !== 1)
    .reduce((value, axis) => graph.slice(value, { axis, from: 0, to: 0, step: -1 }), kernel)
