/** Gradients of pools: a mean gives each position its share, a maximum gives all to the position that it came from. */
import type { Value } from '../graph-builder.ts'
import { type Layer, type PoolLayer, toPair } from '../network.ts'
import { padsOf, type Shape } from '../network-shapes.ts'
import type { Slide } from './map-layout.ts'
import type { BackwardContext, Rule, RuleContext } from './rule.ts'
import { slideBack } from './slide-back.ts'

type GlobalPool = Extract<Layer, { op: 'global-average-pool' | 'global-max-pool' }>

function slideOf(layer: PoolLayer, { height = 1, width = 1 }: Shape): Slide {
  const taps = toPair(layer.kernelSize)
  const pads = padsOf(layer.padding, { height, width }, taps, layer.stride)
  return { taps, stride: toPair(layer.stride), dilation: [1, 1], pads }
}

const poolAttributes = ({ taps, stride, pads }: Slide) => ({
  kernel_shape: taps,
  strides: stride,
  pads,
})

export const averagePool: Rule<PoolLayer> = {
  forward({ graph, make, flow }, layer, shape) {
    const attributes = {
      ...poolAttributes(slideOf(layer, flow(layer.input).shape)),
      count_include_pad: layer.countsPadding === true ? 1 : 0,
    }
    return make(shape, {
      plain: graph.node('AveragePool', [flow(layer.input).plain()], attributes),
    })
  },
  backward(context, layer, gradient) {
    const { graph, make, flow, give, layout } = context
    const input = flow(layer.input)
    const slide = slideOf(layer, input.shape)
    const shares = graph.multiply(gradient.plain(), sharesOf(context, layer, slide, input.shape))
    const back = slideBack(context, make(gradient.shape, { plain: shares }), input.mapShape, slide)
    const filled = layout.filled(input.shape.channels)
    const taps = graph.ones([filled, 1, ...slide.taps])
    const map = layout.depthwise(back.map, taps, back.slide, filled)
    give(layer.input, make(input.shape, { map }))
  },
}

/** One over the positions that each window counts, `[1, 1, h, w]`. */
function sharesOf(
  { graph }: BackwardContext,
  { countsPadding = false }: PoolLayer,
  { taps, stride, pads }: Slide,
  { height = 1, width = 1 }: Shape,
): Value {
  const counts = (axis: 0 | 1, size: number) => {
    const before = pads[axis]
    const positions = Math.floor((size + before + pads[axis + 2]! - taps[axis]) / stride[axis]) + 1
    return Array.from({ length: positions }, (_, at) => {
      const first = at * stride[axis] - before
      return Math.min(first + taps[axis], size) - Math.max(first, 0)
    })
  }
  const down = counts(0, height)
  const across = counts(1, width)
  const shares = down.flatMap((rows) =>
    across.map((columns) => 1 / (countsPadding ? taps[0] * taps[1] : rows * columns)),
  )
  const name = `shares_${[height, width, ...taps, ...stride, ...pads, countsPadding].join('_')}`
  return graph.graph.constant(name, Float32Array.from(shares), [1, 1, down.length, across.length])
}

export const maxPool: Rule<PoolLayer> = {
  forward: (context, layer, shape) =>
    context.make(shape, { plain: windows(context, layer).largest }),
  backward(context, layer, gradient) {
    const { graph, make, flow, give } = context
    const { photos, channels, height, width } = flow(layer.input).mapShape
    const size = photos * channels * height * width
    // The same node as on the way forward, which ONNX Runtime computes once.
    const places = graph.reshape(windows(context, layer).places, [-1])
    const nothing = graph.node('ConstantOfShape', [graph.ints([size])])
    const inputs = [nothing, places, graph.reshape(gradient.plain(), [-1])]
    const scattered = graph.node('ScatterElements', inputs, { axis: 0, reduction: 'add' })
    const plain = graph.reshape(scattered, [photos, channels, height, width])
    give(layer.input, make(flow(layer.input).shape, { plain }))
  },
}

/** The largest of each window, the first of equals, and its place among all numbers of the input. */
function windows(
  { graph, flow }: RuleContext,
  layer: PoolLayer,
): { largest: Value; places: Value } {
  const attributes = poolAttributes(slideOf(layer, flow(layer.input).shape))
  const [largest = '', places = ''] = graph.nodeOutputs(
    'MaxPool',
    [flow(layer.input).plain()],
    2,
    attributes,
  )
  return { largest, places }
}

export const globalAveragePool: Rule<GlobalPool> = {
  forward({ graph, make, flow, photos }, { input, staysMap = false }, shape) {
    const { channels, height, width } = flow(input).mapShape
    const rows = graph.reshape(flow(input).rows(), [photos, height * width, channels])
    const mean = graph.node('ReduceMean', [rows, graph.ints([1])], { keepdims: 0 })
    const plain = staysMap ? graph.reshape(mean, [photos, channels, 1, 1]) : mean
    return make(shape, { plain })
  },
  backward({ graph, make, flow, layout, give, photos }, { input }, gradient) {
    const { channels, height, width } = flow(input).mapShape
    const positions = height * width
    const flat = graph.reshape(gradient.plain(), [photos, channels])
    const shares = graph.multiply(flat, graph.scalar(1 / positions))
    const filled = layout.filled(channels)
    const { block } = layout
    const blocks = graph.reshape(graph.pad(shares, [0, 0], [0, filled - channels]), [
      (photos * filled) / block,
      1,
      block,
    ])
    const repeated = graph.node('Expand', [blocks, graph.ints([1, positions, 1])])
    const map = graph.reshape(repeated, [photos, filled, height, width])
    give(input, make(flow(input).shape, { map }))
  },
}

/** Where several positions are the largest, the first one has it all. */
export const globalMaxPool: Rule<GlobalPool> = {
  forward({ graph, make, flow }, { input }, shape) {
    const axes = graph.ints([2, 3])
    const keepdims = shape.height === undefined ? 0 : 1
    return make(shape, {
      plain: graph.node('ReduceMax', [flow(input).plain(), axes], { keepdims }),
    })
  },
  backward({ graph, make, flow, give, photos }, { input }, gradient) {
    const { channels, height, width } = flow(input).mapShape
    const rows = graph.reshape(flow(input).plain(), [photos * channels, height * width])
    const place = graph.node('ArgMax', [rows], { axis: 1, keepdims: 1 })
    const nothing = graph.node('ConstantOfShape', [graph.ints([photos * channels, height * width])])
    const given = graph.reshape(gradient.plain(), [photos * channels, 1])
    const scattered = graph.node('ScatterElements', [nothing, place, given], { axis: 1 })
    const plain = graph.reshape(scattered, [photos, channels, height, width])
    give(input, make(flow(input).shape, { plain }))
  },
}
