/** What gradients of windows that slide share: how the gradient of a result becomes one of the input's size. */
import type { Value } from '../graph-builder.ts'
import { crop } from './depthwise.ts'
import type { Flow } from './flow.ts'
import type { MapShape, Slide } from './map-layout.ts'
import type { BackwardContext, RuleContext } from './rule.ts'
import type { StepGraph } from './step-graph.ts'

/** Sums the gradient over photos and positions: `[c]`. */
export function sumOfPositions({ graph, layout }: RuleContext, gradient: Flow): Value {
  const { channels } = gradient.shape
  if (gradient.isVector) return graph.sum(gradient.plain(), [0])
  const { mapShape } = gradient
  const sums = graph.sum(layout.mean(gradient.map(), mapShape), [0])
  const ofChannels = graph.slice(sums, { axis: 0, from: 0, to: channels })
  return graph.multiply(ofChannels, graph.scalar(mapShape.height * mapShape.width))
}

/**
 * The gradient with zeros between its positions where windows moved by more than one, and the windows that run over it
 * so that a turned kernel gives one number for each position of the input.
 */
export function slideBack(
  { graph, layout }: BackwardContext,
  gradient: Flow,
  to: MapShape,
  { taps, stride, dilation, pads }: Slide,
): { map: Value; slide: Slide } {
  const { photos, height, width } = gradient.mapShape
  const filled = layout.filled(gradient.shape.channels)
  const apart = spread(graph, layout.block, gradient.map(), {
    photos,
    filled,
    height,
    width,
    stride,
  })
  const before = [0, 1].map((axis) => (taps[axis]! - 1) * dilation[axis]! - pads[axis]!)
  const behind = [
    to.height - height * stride[0] - before[0]! + (taps[0] - 1) * dilation[0],
    to.width - width * stride[1] - before[1]! + (taps[1] - 1) * dilation[1],
  ] as const
  const size = { photos, filled, height: height * stride[0], width: width * stride[1] }
  const map = crop(graph, layout.block, apart, size, behind)
  const pad = [before[0]!, before[1]!, Math.max(behind[0], 0), Math.max(behind[1], 0)] as const
  return { map, slide: { taps, stride: [1, 1], dilation, pads: pad } }
}

interface Spread {
  readonly photos: number
  readonly filled: number
  readonly height: number
  readonly width: number
  readonly stride: readonly [number, number]
}

/** Zeros behind every row and column, as many as the stride leaves out. */
function spread(
  graph: StepGraph,
  block: number,
  map: Value,
  { photos, filled, height, width, stride }: Spread,
): Value {
  if (stride[0] === 1 && stride[1] === 1) return map
  const blocks = graph.reshape(map, [(photos * filled) / block, height, 1, width, 1, block])
  const apart = graph.pad(blocks, [0, 0, 0, 0, 0, 0], [0, 0, stride[0] - 1, 0, stride[1] - 1, 0])
  return graph.reshape(apart, [photos, filled, height * stride[0], width * stride[1]])
}
