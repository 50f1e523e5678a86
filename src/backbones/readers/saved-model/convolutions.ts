/** Convolutions: plain, depthwise, with dilation, in groups. */
import type { Padding } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import { listAttribute } from './graph.ts'
import {
  channelsOf,
  floats,
  type LayerCall,
  type LayerOperator,
  refuse,
  same,
  whole,
} from './layer-call.ts'
import type { LayerValue } from './value.ts'
import { mapAxes, paddingOf, perAxis } from './windows.ts'

export const convolve =
  (kernelOf: (kernel: FloatTensor) => FloatTensor, depthwise: boolean): LayerOperator =>
  (call) => {
    const { node, draft, x } = call
    const axes = mapAxes(call)
    const kernel = floats(call, 1, 4)
    const channels = x.piece?.kind === 'channels' ? x.piece.size : channelsOf(call)
    const perGroup = depthwise ? 1 : kernel.dims[2]!
    const groups = channels / perGroup
    if (!Number.isSafeInteger(groups) || (depthwise && kernel.dims[2] !== channels)) {
      throw invalidModel(
        `${call.place}: expected a kernel for ${channels} channels, received [${kernel.dims.join(', ')}]`,
      )
    }
    const stride = perAxis(listAttribute(node, 'strides'), axes, call)
    const dilation = perAxis(listAttribute(node, 'dilations'), axes, call)
    const padding = paddingOf(call, axes)
    const addConv = (options: { padding: Padding; dilation: readonly [number, number] }) =>
      draft.conv(node.name, { input: x.layer, stride, groups, ...options }, kernelOf(kernel))
    const { piece } = x
    if (piece === undefined) return same(x, addConv({ padding, dilation }))
    if (piece.kind === 'channels' && groups === 1) {
      const group = { kernel: kernelOf(kernel), options: { stride, padding, dilation } }
      return { ...x, piece: { kind: 'group', begin: piece.begin, group } }
    }
    const isPlain = padding === 'valid' && [...stride, ...dilation].every((steps) => steps === 1)
    if (piece.kind !== 'dealt' || !isPlain) {
      throw refuse(call, 'a plain convolution of a part of a map')
    }
    const { block } = piece
    return {
      ...x,
      piece: { ...piece, convolve: (zeros) => addConv({ padding: zeros, dilation: block }) },
    }
  }

/** Deals a map out to several of every other position. */
export const deal: LayerOperator = (call) => {
  const { x } = call
  const [down, across, ...more] = whole(call, 1)
  const [top = -1, bottom = -1, left = -1, right = -1] = whole(call, 2)
  const numbers = [down ?? 0, across ?? 0, top + 1, bottom + 1, left + 1, right + 1]
  if (x.axes.join() !== 'n,h,w,c' || more.length > 0 || numbers.some((number) => number < 1)) {
    throw refuse(call, 'a map and two steps')
  }
  const padding = [top, left, bottom, right] as const
  return { ...x, piece: { kind: 'dealt', block: [down!, across!], padding } }
}

/** Brings dealt positions together again. What is cropped was padded before: a convolution pads by as much less. */
export const gather: LayerOperator = (call) => {
  const { x } = call
  const [top = 0, bottom = 0, left = 0, right = 0] = whole(call, 2)
  const { piece } = x
  const isDealt = piece?.kind === 'dealt' && whole(call, 1).join() === piece.block.join()
  if (!isDealt || piece.convolve === undefined) {
    throw refuse(call, 'what SpaceToBatchND dealt out and a convolution read')
  }
  const crops = [top, left, bottom, right]
  const padding = piece.padding.map((zeros, at) => zeros - crops[at]!)
  if (padding.some((zeros) => zeros < 0)) throw refuse(call, 'crops of what was padded')
  const [first = 0, second = 0, third = 0, fourth = 0] = padding
  const layer = piece.convolve([first, second, third, fourth])
  return { kind: 'layer', layer, axes: x.axes }
}

/** Some channels of a map. */
export const slice: LayerOperator = (call) => {
  const { x, reading } = call
  const [begin, sizes] = [whole(call, 1), whole(call, 2)]
  const dims = reading.dims(x)
  const channel = x.axes.indexOf('c')
  const isWhole = dims.every(
    (size, at) => at === channel || (begin[at] === 0 && (sizes[at] === -1 || sizes[at] === size)),
  )
  const [from = -1, size = -1] = [begin[channel], sizes[channel]]
  if (!isWhole || x.axes.length !== 4 || from < 0 || size < 1 || from + size > dims[channel]!) {
    throw refuse(call, 'some channels of a map')
  }
  return { ...x, piece: { kind: 'channels', begin: from, size } }
}

/** Convolutions of all channels of a map, part by part, as one in groups; nothing where they are none. */
export function joinGroups(call: LayerCall, parts: readonly LayerValue[]): LayerValue | undefined {
  const { draft, node, x } = call
  if (parts.every(({ piece }) => piece === undefined)) return undefined
  const groups = parts.flatMap(({ piece }) => (piece?.kind === 'group' ? [piece] : []))
  const [first] = groups
  const { channels } = draft.shape(x.layer)
  const size = channels / parts.length
  const fits = groups.every(
    ({ begin, group }, at) =>
      begin === at * size &&
      group.kernel.dims[1] === size &&
      group.kernel.dims.join() === first?.group.kernel.dims.join() &&
      JSON.stringify(group.options) === JSON.stringify(first.group.options),
  )
  const isOne = parts.every(({ layer }) => layer === x.layer)
  if (first === undefined || groups.length !== parts.length || !fits || !isOne) {
    throw refuse(call, 'convolutions of all channels of one map, one after the other')
  }
  const { options, kernel } = first.group
  const [filters = 0, ...rest] = kernel.dims
  const data = new Float32Array(kernel.data.length * groups.length)
  for (const [at, { group }] of groups.entries())
    data.set(group.kernel.data, at * kernel.data.length)
  const whole = { dims: [filters * groups.length, ...rest], data }
  const layer = draft.conv(node.name, { input: x.layer, groups: groups.length, ...options }, whole)
  return { kind: 'layer', layer, axes: x.axes }
}
