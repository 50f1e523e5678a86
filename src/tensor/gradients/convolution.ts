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
import { slideBack, sumOfRows } from './slide-back.ts'

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

  forward(context, layer, shape) {
    const bias = context.layout.perChannel(context.weight(`${layer.name}/bias`), layer.filters)
    return context.make(shape, { map: convolve(context, layer, bias) })
  },

  backward(context, layer, gradient) {
    context.giveWeight(`${layer.name}/bias`, sumOfRows(context.graph, gradient))
    convolveBack(context, layer, gradient)
  },
}

/** The map of a convolution, with `bias` as the layout reads it. */
export function convolve(context: RuleContext, layer: ConvLayer, bias?: Value): Value {
  const { layout, weight, flow } = context
  const input = flow(layer.input)
  const { channels } = input.shape
  const slide = slideOf(layer, input.shape)
  const kernel = weight(`${layer.name}/kernel`)
  const more = bias === undefined ? {} : { bias }
  if (isDepthwise(layer, input.shape)) {
    const count = layout.filled(channels)
    const taps = layout.channelKernel(kernel, channels, slide.taps)
    return layout.depthwise(input.map(), taps, slide, count, more)
  }
  const dims = kernelDims(layer, input.shape)
  // Fewer channels than a block, as photos have, are read as they are.
  const map = channels < layout.block ? input.plain() : input.map()
  return layout.conv(map, layout.kernel(kernel, dims), slide, more)
}

/** Gives the gradients of the kernel and of the input. */
export function convolveBack(context: BackwardContext, layer: ConvLayer, gradient: Flow): void {
  const { layout, weight, flow } = context
  const input = flow(layer.input)
  const { channels } = input.shape
  const slide = slideOf(layer, input.shape)
  const name = `${layer.name}/kernel`
  const dims = kernelDims(layer, input.shape)
  const depthwise = isDepthwise(layer, input.shape)
  const ofKernel = depthwise
    ? depthwiseKernelGradient(context, input, gradient, slide)
    : kernelGradient(context, input, gradient, slide)
  context.giveWeight(name, ofKernel)
  if (!context.wantsGradient(layer.input)) return
  const back = slideBack(context, gradient, input.mapShape, slide)
  const map = depthwise
    ? layout.depthwise(
        back.map,
        layout.turnedChannelKernel(weight(name), channels, slide.taps),
        back.slide,
        layout.filled(channels),
      )
    : layout.conv(back.map, layout.turnedKernel(weight(name), dims), back.slide)
  context.give(layer.input, context.make(input.shape, { map }))
}

/** By the kernel `[filters, channels, height, width]`. */
function kernelGradient(
  { graph }: BackwardContext,
  input: Flow,
  gradient: Flow,
  { taps, stride, dilation, pads }: Slide,
): Value {
  const { photos, channels, height, width }: MapShape = input.mapShape
  const { channels: filters, height: down, width: across } = gradient.mapShape
  const [top, left, bottom, right] = pads
  const product = (rows: Value) => graph.node('Gemm', [gradient.rows(), rows], { transA: 1 }) // [filters, channels]
  if (taps[0] * taps[1] === 1 && stride[0] * stride[1] === 1 && pads.every((pad) => pad === 0)) {
    return graph.reshape(product(input.rows()), [filters, channels, 1, 1])
  }
  const padded = graph.pad(
    graph.reshape(input.rows(), [photos, height, width, channels]),
    [0, top, left, 0],
    [0, bottom, right, 0],
  )
  const products: Value[] = []
  for (let y = 0; y < taps[0]; y++) {
    const first = y * dilation[0]
    const rows = graph.slice(padded, {
      axis: 1,
      from: first,
      to: first + (down - 1) * stride[0] + 1,
      step: stride[0],
    })
    for (let x = 0; x < taps[1]; x++) {
      const from = x * dilation[1]
      const shifted = graph.slice(rows, {
        axis: 2,
        from,
        to: from + (across - 1) * stride[1] + 1,
        step: stride[1],
      })
      const dims = [photos * down * across, channels]
      products.push(graph.reshape(product(graph.reshape(shifted, dims)), [filters, channels, 1]))
    }
  }
  const byTap = graph.node('Concat', products, { axis: 2 })
  return graph.reshape(byTap, [filters, channels, ...taps])
}
