/**
 * Gradients of convolutions. With y = W ∗ x:
 * - by x: the gradient of y, spread apart by the stride, convolved with the kernel turned around (channels for filters);
 * - by W: for each tap the product of two matrices over all positions of all photos, (gradient rows)ᵀ · (input rows), where
 *   the input is shifted by the tap;
 * - by the bias: the sum over positions.
 */
import type { Value } from '../graph-builder.ts'
import { type ConvLayer, toPair } from '../network.ts'
import { padsOf, type Shape } from '../network-shapes.ts'
import { depthwiseKernelGradient } from './depthwise.ts'
import type { Flow } from './flow.ts'
import type { MapShape, Slide } from './map-layout.ts'
import type { BackwardContext, Rule, RuleContext } from './rule.ts'
import { slideBack, sumOfPositions } from './slide-back.ts'

/** The windows of a convolution over a map of this size. */
export function slideOf(layer: ConvLayer, from: Shape): Slide {
  const taps = toPair(layer.kernelSize)
  const dilation = toPair(layer.dilation ?? 1)
  const extent = [(taps[0] - 1) * dilation[0] + 1, (taps[1] - 1) * dilation[1] + 1] as const
  const size = { height: from.height ?? 1, width: from.width ?? 1 }
  const pads = padsOf(layer.padding, size, extent, layer.stride)
  return { taps, stride: toPair(layer.stride), dilation, pads }
}

const isDepthwise = ({ groups, filters }: ConvLayer, { channels }: Shape): boolean =>
  groups > 1 && groups === channels && filters === channels

/** `[filters, channels, height, width]`. */
const kernelDims = ({ filters, groups, kernelSize }: ConvLayer, { channels }: Shape) => [
  filters,
  channels / groups,
  ...toPair(kernelSize),
]

export const convolution: Rule<ConvLayer> = {
  weights: (layer, from) => ({
    [`${layer.name}/kernel`]: kernelDims(layer, from),
    [`${layer.name}/bias`]: [layer.filters],
  }),
  forward: (context, layer, shape) =>
    convolve(context, layer, shape, context.weight(`${layer.name}/bias`)),
  backward(context, layer, gradient) {
    context.giveWeight(`${layer.name}/bias`, sumOfPositions(context, gradient))
    convolveBack(context, layer, gradient)
  },
}

/** One convolution of all channels, or of every channel by itself. */
interface Part {
  readonly input: Flow
  readonly kernel: Value
  readonly dims: readonly number[]
  readonly slide: Slide
  readonly depthwise: boolean
}

/** Without bias where none is given. */
export function convolve(context: RuleContext, layer: ConvLayer, shape: Shape, bias?: Value): Flow {
  const parts = partsOf(context, layer)
  const { graph, make, layout } = context
  const [only] = parts
  if (only !== undefined && parts.length === 1) {
    const filled = bias === undefined ? undefined : layout.perChannel(bias, layer.filters)
    return make(shape, { map: convolvePart(context, only, filled) })
  }
  const share = { ...shape, channels: shape.channels / parts.length }
  const maps = parts.map((part) => make(share, { map: convolvePart(context, part) }).plain())
  const joined = graph.node('Concat', maps, { axis: 1 })
  if (bias === undefined) return make(shape, { plain: joined })
  return make(shape, { plain: graph.add(joined, graph.reshape(bias, [shape.channels, 1, 1])) })
}

/** Gives the gradients of the kernel and of the input. */
export function convolveBack(context: BackwardContext, layer: ConvLayer, gradient: Flow): void {
  const { graph, make, flow, give, giveWeight } = context
  const name = `${layer.name}/kernel`
  const parts = partsOf(context, layer)
  const [only] = parts
  if (only !== undefined && parts.length === 1) {
    giveWeight(name, kernelGradientOf(context, only, gradient))
    if (context.wantsGradient(layer.input))
      give(layer.input, inputGradientOf(context, only, gradient))
    return
  }
  const gradients = split(context, gradient, parts.length)
  const kernels = parts.map((part, at) => kernelGradientOf(context, part, gradients[at]!))
  giveWeight(name, graph.node('Concat', kernels, { axis: 0 }))
  if (!context.wantsGradient(layer.input)) return
  const inputs = parts.map((part, at) => inputGradientOf(context, part, gradients[at]!).plain())
  const plain = graph.node('Concat', inputs, { axis: 1 })
  give(layer.input, make(flow(layer.input).shape, { plain }))
}

/** A convolution in groups is several, each of its share of the channels. */
function partsOf(context: RuleContext, layer: ConvLayer): Part[] {
  const { graph, flow, weight } = context
  const input = flow(layer.input)
  const slide = slideOf(layer, input.shape)
  const kernel = weight(`${layer.name}/kernel`)
  const dims = kernelDims(layer, input.shape)
  const depthwise = isDepthwise(layer, input.shape)
  if (depthwise || layer.groups === 1) return [{ input, kernel, dims, slide, depthwise }]
  const filters = layer.filters / layer.groups
  return split(context, input, layer.groups).map((share, at) => ({
    input: share,
    kernel: graph.slice(kernel, { axis: 0, from: at * filters, to: (at + 1) * filters }),
    dims: [filters, ...dims.slice(1)],
    slide,
    depthwise,
  }))
}

function split({ graph, make }: RuleContext, whole: Flow, count: number): Flow[] {
  const channels = whole.shape.channels / count
  return Array.from({ length: count }, (_, at) => {
    const cut = { axis: 1, from: at * channels, to: (at + 1) * channels }
    return make({ ...whole.shape, channels }, { plain: graph.slice(whole.plain(), cut) })
  })
}

function convolvePart(
  { layout }: RuleContext,
  { input, kernel, dims, slide, depthwise }: Part,
  bias?: Value,
): Value {
  const { channels } = input.shape
  const more = bias === undefined ? {} : { bias }
  if (depthwise) {
    const taps = layout.channelKernel(kernel, channels, slide.taps)
    return layout.depthwise(input.map(), taps, slide, layout.filled(channels), more)
  }
  // Fewer channels than a block, as photos have, are read as they are.
  const map = channels < layout.block ? input.plain() : input.map()
  return layout.conv(map, layout.kernel(kernel, dims), slide, more)
}

const kernelGradientOf = (context: BackwardContext, part: Part, gradient: Flow): Value =>
  part.depthwise
    ? depthwiseKernelGradient(context, part.input, gradient, part.slide)
    : kernelGradient(context, part.input, gradient, part.slide)

function inputGradientOf(
  context: BackwardContext,
  { input, kernel, dims, slide, depthwise }: Part,
  gradient: Flow,
): Flow {
  const { layout, make } = context
  const { channels } = input.shape
  const back = slideBack(context, gradient, input.mapShape, slide)
  const map = depthwise
    ? layout.depthwise(
        back.map,
        layout.turnedChannelKernel(kernel, channels, slide.taps),
        back.slide,
        layout.filled(channels),
      )
    : layout.conv(back.map, layout.turnedKernel(kernel, dims), back.slide)
  return make(input.shape, { map })
}

/** Channels of all taps together up to which they are one product. */
const FEW_CHANNELS = 64

const MANY_POSITIONS = 200

/** By the kernel `[filters, channels, height, width]`. */
function kernelGradient(
  context: BackwardContext,
  input: Flow,
  gradient: Flow,
  { taps, stride, dilation, pads }: Slide,
): Value {
  const { graph, make } = context
  const { channels }: MapShape = input.mapShape
  const { channels: filters, height: down, width: across } = gradient.mapShape
  const [top, left, bottom, right] = pads
  if (taps[0] * taps[1] === 1 && stride[0] * stride[1] === 1 && pads.every((pad) => pad === 0)) {
    return graph.reshape(sumOfProducts(context, gradient, input), [filters, channels, 1, 1])
  }
  const padded = graph.pad(input.plain(), [0, 0, top, left], [0, 0, bottom, right])
  const shifted: Value[] = []
  for (let y = 0; y < taps[0]; y++) {
    const first = y * dilation[0]
    const rows = graph.slice(padded, {
      axis: 2,
      from: first,
      to: first + (down - 1) * stride[0] + 1,
      step: stride[0],
    })
    for (let x = 0; x < taps[1]; x++) {
      const from = x * dilation[1]
      const to = from + (across - 1) * stride[1] + 1
      shifted.push(graph.slice(rows, { axis: 3, from, to, step: stride[1] }))
    }
  }
  const product = (plain: Value, count: number) =>
    sumOfProducts(
      context,
      gradient,
      make({ channels: count, height: down, width: across }, { plain }),
    )
  if (channels * shifted.length <= FEW_CHANNELS) {
    const together = product(graph.node('Concat', shifted, { axis: 1 }), channels * shifted.length)
    return graph.transpose(graph.reshape(together, [filters, ...taps, channels]), [0, 3, 1, 2])
  }
  const products = shifted.map((plain) =>
    graph.reshape(product(plain, channels), [filters, channels, 1]),
  )
  const byTap = graph.node('Concat', products, { axis: 2 })
  return graph.reshape(byTap, [filters, channels, ...taps])
}

/**
 * Σ over photos and positions of gradient · input: `[filters, channels]`. In blocks, the map of more channels is read as it
 * lies: a block is a matrix `[positions, block]`, with which the other map `[channels, positions]` is multiplied.
 */
function sumOfProducts(
  { graph, layout, photos }: BackwardContext,
  gradient: Flow,
  input: Flow,
): Value {
  const { block } = layout
  if (block === 1) return graph.node('Gemm', [gradient.rows(), input.rows()], { transA: 1 })
  const { channels, height, width } = input.mapShape
  const { channels: filters } = gradient.mapShape
  const positions = height * width
  const product = (low: Flow, high: Flow, perm: readonly number[]) => {
    const rows = low.shape.channels
    const blocks = layout.filled(high.shape.channels) / block
    // Of few positions, those of all photos together are one product; of many, there is one for each photo.
    const isOne = positions < MANY_POSITIONS
    const order = (map: Value, dims: readonly number[]) => {
      const ofPhotos = graph.reshape(map, dims)
      return isOne ? graph.transpose(ofPhotos, [1, 0, 2]) : ofPhotos
    }
    const length = isOne ? photos * positions : positions
    const left = order(low.plain(), [photos, rows, positions])
    const right = order(high.map(), [photos, blocks, positions * block])
    const count = isOne ? 1 : photos
    const each = graph.node('MatMul', [
      graph.reshape(left, [count, 1, rows, length]),
      graph.reshape(right, [count, blocks, length, block]),
    ])
    const sum = graph.node('MatMul', [
      graph.ones([1, count]),
      graph.reshape(each, [count, blocks * rows * block]),
    ])
    return graph.transpose(graph.reshape(sum, [blocks, rows, block]), perm)
  }
  if (filters < channels && input.has('map')) {
    const filled = layout.filled(channels)
    const sums = graph.reshape(product(gradient, input, [1, 0, 2]), [filters, filled])
    return filled === channels ? sums : graph.slice(sums, { axis: 1, from: 0, to: channels })
  }
  const filled = layout.filled(filters)
  const sums = graph.reshape(product(input, gradient, [0, 2, 1]), [filled, channels])
  return filled === filters ? sums : graph.slice(sums, { axis: 0, from: 0, to: filters })
}
