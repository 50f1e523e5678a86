/** Operators on the levels of a photo. */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { expandDims, normalAxis } from './axes.ts'
import { type Constant, wholeNumbers } from './constant.ts'
import type { Call } from './evaluate.ts'
import { attribute, listAttribute, textAttribute } from './graph.ts'
import { joinValues } from './join-values.ts'
import { perChannel } from './per-channel.ts'
import {
  done,
  element,
  type PhotoCall,
  type PhotoOperator,
  type Triple,
  unknown,
  withColoursReversed,
} from './photo-call.ts'
import { cropped, padsToFit, reshape, stridedSlice } from './photo-cuts.ts'
import type { Photo, Value } from './value.ts'

/** Scales a photo by numbers for each channel: `change` gives the new scale and offset of one. */
function scaled(
  { photo, inputs, place }: PhotoCall,
  change: (scale: number, offset: number, by: number) => readonly [number, number],
): Photo | undefined {
  const constant = inputs.find((input) => input.kind === 'constant')
  if (constant === undefined || inputs.length !== 2) return undefined
  const by = perChannel(constant, photo.axes, 3, place)
  const pairs = by.map((number, at) => change(photo.scale[at]!, photo.offset[at]!, number))
  return {
    ...photo,
    scale: pairs.map(([scale]) => scale) as unknown as Triple,
    offset: pairs.map(([, offset]) => offset) as unknown as Triple,
  }
}

const add: PhotoOperator = (call) => scaled(call, (scale, offset, by) => [scale, offset + by])

const divide: PhotoOperator = (call) =>
  call.inputs[0]?.kind === 'photo'
    ? scaled(call, (scale, offset, by) => [scale / by, offset / by])
    : undefined

const resize: PhotoOperator = ({ photo, inputs, node, place }) => {
  const size = inputs[1]
  if (size?.kind !== 'constant' || size.data.length !== 2) {
    throw unsupportedModel(`${place}: expected a size of two numbers, received another`)
  }
  return resized(photo, size, howItResizes(node.op, node))
}

function resized(photo: Photo, size: Constant, step: string): Photo {
  const side = (at: number) => (Number.isNaN(size.data[at]) ? undefined : size.data[at])
  const [height, width] = [side(0), side(1)]
  const same = height !== undefined && height === photo.height && width === photo.width
  const after = { ...photo, height, width, type: DATA_TYPES.float }
  return same ? after : done(after, step)
}

function howItResizes(op: string, node: Call['node']): string {
  if (op !== 'ScaleAndTranslate') return op
  const kernel = textAttribute(node, 'kernel_type', 'lanczos3')
  const antialias = attribute(node, 'antialias', 'b') ?? true
  return `ScaleAndTranslate (${kernel}${antialias ? ', antialias' : ''})`
}

/** Whether a clip between `low` and `high` leaves all levels as they are. */
const coversLevels = ({ scale, offset }: Photo, low: number, high: number): boolean =>
  scale.every((factor, at) => {
    const ends = [offset[at]!, 255 * factor + offset[at]!]
    const slack = Math.abs(factor)
    return Math.min(...ends) >= low - slack && Math.max(...ends) <= high + slack
  })

const numberOf = (value: Value | undefined): number =>
  value?.kind === 'constant' && value.data.length === 1 ? value.data[0]! : Number.NaN

/** Whole levels stay what they are, so that a number added beforehand only says how to round. */
const rounds =
  (to: (offset: number) => number): PhotoOperator =>
  ({ photo }) => {
    if (photo.scale.some((factor) => factor !== 1)) return undefined
    return { ...photo, offset: photo.offset.map(to) as unknown as Triple }
  }

/** On the levels of a photo. */
export const ON_PIXELS: Readonly<Record<string, PhotoOperator>> = {
  Add: add,
  AddV2: add,
  BiasAdd: add,
  Cast: ({ photo, node }) => ({
    ...photo,
    type: attribute(node, 'DstT', 'type') ?? photo.type,
  }),
  Ceil: rounds(Math.ceil),
  ClipByValue: ({ photo, inputs }) =>
    coversLevels(photo, numberOf(inputs[1]), numberOf(inputs[2])) ? photo : undefined,
  ConcatV2: ({ inputs, photo, ...call }) => {
    // A loop that puts one photo after the other; what it begins with holds none.
    const axis = numberOf(inputs.at(-1))
    if (photo.axes[axis] !== 'n') return undefined
    const parts = inputs.slice(0, -1).filter(({ kind }) => kind === 'photo')
    return joinValues(parts, { ...call, inputs })
  },
  CropAndResize: ({ photo, inputs }) =>
    inputs[3]?.kind === 'constant'
      ? resized(done(photo, 'a crop'), inputs[3], 'CropAndResize')
      : undefined,
  Div: divide,
  ExpandDims: ({ photo, inputs, place }) => {
    const missing = (['n', 'h', 'w', 'c'] as const).find((axis) => !photo.axes.includes(axis))
    const axis = numberOf(inputs[1])
    if (missing === undefined || Number.isNaN(axis)) return undefined
    return { ...photo, axes: expandDims(photo.axes, axis, missing, { place }) }
  },
  Floor: rounds(Math.floor),
  GatherV2: ({ inputs, photo }) => (photo.axes[0] === 'n' ? element(photo, inputs[1]) : undefined),
  Maximum: ({ photo, inputs }) =>
    inputs.some((bound) => coversLevels(photo, numberOf(bound), Number.POSITIVE_INFINITY))
      ? photo
      : undefined,
  Minimum: ({ photo, inputs }) =>
    inputs.some((bound) => coversLevels(photo, Number.NEGATIVE_INFINITY, numberOf(bound)))
      ? photo
      : undefined,
  Mul: (call) => scaled(call, (scale, offset, by) => [scale * by, offset * by]),
  Neg: ({ photo }) => ({
    ...photo,
    scale: photo.scale.map((factor) => -factor) as unknown as Triple,
    offset: photo.offset.map((value) => -value) as unknown as Triple,
  }),
  Pack: ({ photo, inputs }) =>
    inputs.length === 1 && !photo.axes.includes('n')
      ? { ...photo, axes: ['n', ...photo.axes] }
      : undefined,
  Pad: padsToFit,
  PadV2: padsToFit,
  RealDiv: divide,
  ResizeArea: resize,
  ResizeBicubic: resize,
  ResizeBilinear: resize,
  ResizeNearestNeighbor: resize,
  Reshape: reshape,
  ReverseV2: ({ photo, inputs }) => {
    const axis = numberOf(inputs[1])
    const place = axis < 0 ? axis + photo.axes.length : axis
    if (photo.axes[place] === 'c') return withColoursReversed(photo)
    return photo.axes[place] === 'w' ? { ...photo, mirrored: !photo.mirrored } : undefined
  },
  Rint: rounds(Math.round),
  Round: rounds(Math.round),
  ScaleAndTranslate: resize,
  Shape: ({ photo, reading }) => wholeNumbers(reading.dims(photo)),
  Size: () => unknown(DATA_TYPES.int32),
  Slice: ({ photo, inputs, reading, place }) => {
    const [, begin, size] = inputs
    if (begin?.kind !== 'constant' || size?.kind !== 'constant') return undefined
    const whole = reading.dims(photo)
    return cropped(photo, place, (_axis, at) => {
      const [start, count] = [begin.data[at]!, size.data[at]!]
      return { start, size: count === -1 ? whole[at]! - start : count }
    })
  },
  Squeeze: ({ photo, node }) => {
    const named = listAttribute(node, 'squeeze_dims').map((axis) =>
      axis < 0 ? axis + photo.axes.length : axis,
    )
    const gone = photo.axes.filter((_axis, at) => named.length === 0 || named.includes(at))
    if (!gone.includes('n')) return undefined
    return { ...photo, axes: photo.axes.filter((axis) => axis !== 'n') }
  },
  StridedSlice: stridedSlice,
  Sub: (call) =>
    call.inputs[0]?.kind === 'photo'
      ? scaled(call, (scale, offset, by) => [scale, offset - by])
      : scaled(call, (scale, offset, by) => [-scale, by - offset]),
  Transpose: ({ photo, inputs, place }) => {
    const [, order] = inputs
    if (order?.kind !== 'constant' || order.data.length !== photo.axes.length) return undefined
    const axes = [...order.data].map(
      (at) => photo.axes[normalAxis(at, photo.axes.length, { place })]!,
    )
    return new Set(axes).size === axes.length ? { ...photo, axes } : undefined
  },
}
