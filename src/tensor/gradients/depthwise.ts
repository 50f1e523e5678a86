/**
 * The gradient of a depthwise kernel: for each photo and channel the input convolved with the gradient of the result, as if
 * that were a kernel as large as the map. All photos run as the channels of one, since a depthwise convolution keeps
 * them apart; then the photos are summed. A stride of the layer is a dilation here, and the other way round.
 */
import type { Value } from '../graph-builder.ts'
import type { Flow } from './flow.ts'
import type { Slide } from './map-layout.ts'
import type { BackwardContext } from './rule.ts'

/** By the kernel `[channels, 1, height, width]`. */
export function depthwiseKernelGradient(
  { graph, layout, photos }: BackwardContext,
  input: Flow,
  gradient: Flow,
  { taps, stride, dilation, pads }: Slide,
): Value {
  const { channels, height, width } = input.mapShape
  const { height: down, width: across } = gradient.mapShape
  const filled = layout.filled(channels)
  const behind = [
    (taps[0] - 1) * dilation[0] + (down - 1) * stride[0] + 1 - height - pads[0],
    (taps[1] - 1) * dilation[1] + (across - 1) * stride[1] + 1 - width - pads[1],
  ] as const
  // Where windows of the layer leave the last rows out, so must the taps.
  const map = crop(graph, layout.block, input.map(), { filled, height, width, photos }, behind)
  const left = { height: height + Math.min(behind[0], 0), width: width + Math.min(behind[1], 0) }
  const result = layout.depthwise(
    graph.reshape(map, [1, photos * filled, left.height, left.width]),
    graph.reshape(gradient.map(), [photos * filled, 1, down, across]),
    {
      taps: [down, across],
      stride: dilation,
      dilation: stride,
      pads: [pads[0], pads[1], Math.max(behind[0], 0), Math.max(behind[1], 0)],
    },
    photos * filled,
  )
  const summed = graph.sum(graph.reshape(result, [photos, filled * taps[0] * taps[1]]), [0])
  const shape = { photos: 1, channels, height: taps[0], width: taps[1] }
  const kernel = layout.toPlain(graph.reshape(summed, [1, filled, ...taps]), shape)
  return graph.reshape(kernel, [channels, 1, ...taps])
}

interface Cropped {
  readonly photos: number
  readonly filled: number
  readonly height: number
  readonly width: number
}

/** Takes away the last rows and columns of a map where `behind` is negative. */
export function crop(
  graph: BackwardContext['graph'],
  block: number,
  map: Value,
  { photos, filled, height, width }: Cropped,
  behind: readonly [number, number],
): Value {
  if (behind[0] >= 0 && behind[1] >= 0) return map
  const rows = height + Math.min(behind[0], 0)
  const columns = width + Math.min(behind[1], 0)
  const blocks = graph.reshape(map, [(photos * filled) / block, height, width, block])
  const cut = graph.slice(graph.slice(blocks, { axis: 1, from: 0, to: rows }), {
    axis: 2,
    from: 0,
    to: columns,
  })
  return graph.reshape(cut, [photos, filled, rows, columns])
}
