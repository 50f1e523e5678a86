/**
 * What graphs do to a photo before their network: decode, resize, scale. It is followed here and not computed: Verger's own
 * preprocessing stands in its place.
 */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Constant, wholeNumbers } from './constant.ts'
import type { Call } from './evaluate.ts'
import { expandDims, normalAxis } from './fold-constants.ts'
import { attribute, listAttribute, textAttribute } from './graph.ts'
import { perChannel } from './per-channel.ts'
import type { Reading } from './reading.ts'
import type { Axis, Photo, Value } from './value.ts'

type Triple = readonly [number, number, number]

interface PhotoCall extends Call {
  readonly photo: Photo
  readonly reading: Reading
}

/** Follows an operator that reads a photo; nothing where it is none that comes before a network. */
export function followPhoto(call: Call, reading: Reading): Value | undefined {
  const { op } = call.node
  const photo = call.inputs.find((input) => input.kind === 'photo')
  if (photo === undefined) return undefined
  if (UNKNOWN_ANSWERS.has(op)) return unknown(DATA_TYPES.bool)
  if (SELECTIONS.has(op)) return joinValues(call.inputs.slice(1), call)
  const table = photo.stage === 'encoded' ? ON_BYTES : ON_PIXELS
  const operator = Object.hasOwn(table, op) ? table[op] : undefined
  return operator?.({ ...call, photo, reading })
}

/** Questions whose answer depends on the photo. */
const UNKNOWN_ANSWERS: ReadonlySet<string> = new Set([
  'Equal',
  'NotEqual',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'IsJpeg',
  'RegexFullMatch',
  'StaticRegexFullMatch',
  'StringLength',
])
const SELECTIONS: ReadonlySet<string> = new Set(['Select', 'SelectV2'])

const unknown = (type: number, count?: number): Constant => ({
  ...wholeNumbers(Array(count ?? 1).fill(Number.NaN), count === undefined ? [] : [count]),
  type,
})

/**
 * One value for several that are chosen by what a photo holds, e.g. one for each image format. Those that cannot be
 * followed do not matter where one can. Throws `model_unsupported` where they differ.
 */
export function joinValues(values: readonly Value[], { place }: Call): Value {
  const alive = values.filter(({ kind }) => kind !== 'dead')
  const followed = alive.filter(({ kind }) => kind !== 'refused')
  const [first] = followed
  if (first === undefined) return alive[0] ?? { kind: 'dead' }
  if (first.kind === 'constant') {
    const constants = followed.filter((value) => value.kind === 'constant')
    const sameShape = constants.every(({ dims }) => dims.join() === first.dims.join())
    if (constants.length === followed.length && sameShape) {
      const data = first.data.map((value, at) =>
        constants.every((other) => other.data[at] === value) ? value : Number.NaN,
      )
      return { ...first, data }
    }
  }
  const photos = followed.filter((value) => value.kind === 'photo')
  const [photo] = photos
  // What is not a photo beside photos is what stands for one that could not be read.
  if (
    photo !== undefined &&
    followed.every(({ kind }) => ['photo', 'texts', 'constant'].includes(kind))
  ) {
    const facts = ({ stage, scale, offset, height, width, mirrored }: Photo) =>
      [stage, ...scale, ...offset, height, width, mirrored].join()
    if (photos.every((other) => facts(other) === facts(photo))) {
      return { ...photo, steps: [...new Set(photos.flatMap(({ steps }) => steps))] }
    }
  }
  if (followed.every((value) => JSON.stringify(value) === JSON.stringify(first))) return first
  throw unsupportedModel(`${place}: expected ways that lead to the same, received different ones`)
}

const done = (photo: Photo, step: string): Photo => ({
  ...photo,
  steps: photo.steps.includes(step) ? photo.steps : [...photo.steps, step],
})

type PhotoOperator = (call: PhotoCall) => Value | undefined

const decode: PhotoOperator = ({ node, photo, place }) => {
  const channels = Number(attribute(node, 'channels', 'i') ?? 0)
  if (channels !== 0 && channels !== 3) {
    throw unsupportedModel(`${place}: expected photos of three colours, received ${channels}`)
  }
  const type = attribute(node, 'dtype', 'type') ?? DATA_TYPES.uint8
  const factor =
    type === DATA_TYPES.float || type === DATA_TYPES.half
      ? 1 / 255
      : type === DATA_TYPES.uint8
        ? 1
        : 257
  const axes: Axis[] = ['h', 'w', 'c']
  const scale: Triple = [factor, factor, factor]
  return done({ ...photo, stage: 'pixels', axes, scale, areLevels: true, type }, node.op)
}

const keepsBytes: PhotoOperator = ({ photo }) => photo

const reshapesBytes: PhotoOperator = ({ inputs, photo }) => {
  const [, shape] = inputs
  if (shape?.kind !== 'constant') return undefined
  return { ...photo, axes: shape.data.length === 0 ? [] : ['n'] }
}

/** On text and bytes that hold a photo. */
const ON_BYTES: Readonly<Record<string, PhotoOperator>> = {
  ConcatV2: ({ inputs, ...call }) => joinValues(inputs.slice(0, -1), { ...call, inputs }),
  DecodeAndCropJpeg: (call) => {
    const decoded = decode(call)
    return decoded?.kind === 'photo' ? done(decoded, 'a crop') : decoded
  },
  DecodeBase64: ({ photo, node }) => done(photo, node.op),
  DecodeBmp: decode,
  DecodeImage: decode,
  DecodeJpeg: decode,
  DecodePng: decode,
  DecodeWebP: decode,
  ExpandDims: ({ photo }) => ({ ...photo, axes: ['n'] }),
  ExtractJpegShape: () => unknown(DATA_TYPES.int32, 3),
  GatherV2: ({ inputs, photo }) => element(photo, inputs[1]),
  Pack: ({ photo }) => ({ ...photo, axes: ['n'] }),
  RegexReplace: keepsBytes,
  Reshape: reshapesBytes,
  Shape: ({ photo, reading }) => wholeNumbers(reading.dims(photo)),
  Size: () => unknown(DATA_TYPES.int32),
  Slice: keepsBytes,
  Squeeze: ({ photo }) => ({ ...photo, axes: [] }),
  StaticRegexReplace: keepsBytes,
  StridedSlice: ({ inputs, photo, node }) => {
    const shrinks = Number(attribute(node, 'shrink_axis_mask', 'i') ?? 0) !== 0
    return shrinks ? element(photo, inputs[1]) : photo
  },
  StringJoin: keepsBytes,
  StringStrip: keepsBytes,
  Substr: keepsBytes,
}

/** One photo of a batch. */
const element = (photo: Photo, index: Value | undefined): Photo | undefined =>
  index?.kind === 'constant'
    ? { ...photo, axes: photo.axes.filter((axis) => axis !== 'n') }
    : undefined

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
const ON_PIXELS: Readonly<Record<string, PhotoOperator>> = {
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

/** Pads by numbers that depend on the photo's size: the side that is too short. Others are the network's. */
function padsToFit({ photo, inputs }: PhotoCall): Photo | undefined {
  const [, pads] = inputs
  if (pads?.kind !== 'constant' || !pads.data.some(Number.isNaN)) return undefined
  return done({ ...photo, height: undefined, width: undefined }, 'a padding')
}

function reshape({ photo, inputs, place, reading }: PhotoCall): Photo | undefined {
  const [, shape] = inputs
  if (shape?.kind !== 'constant') return undefined
  const sizes = [...shape.data]
  const before = reading.dims(photo)
  const axes: readonly Axis[] =
    sizes.length === photo.axes.length
      ? photo.axes
      : sizes.length === photo.axes.length + 1 && !photo.axes.includes('n')
        ? ['n', ...photo.axes]
        : sizes.length === photo.axes.length - 1 && photo.axes[0] === 'n'
          ? photo.axes.slice(1)
          : []
  if (axes.length === 0) return undefined
  let { height, width } = photo
  for (const [at, axis] of axes.entries()) {
    const size = sizes[at]!
    if (axis === 'n' || size === -1 || Number.isNaN(size)) continue
    const known = before[photo.axes.indexOf(axis)]!
    if (!Number.isNaN(known) && known !== size) {
      // Numbers that lie otherwise than rows of pixels: no photo any more.
      if (axis === 'c' || sizes.length !== photo.axes.length) return undefined
      throw unsupportedModel(`${place}: expected a photo to stay as it is, received another shape`)
    }
    if (axis === 'h') height = size
    if (axis === 'w') width = size
  }
  return { ...photo, axes, height, width }
}

interface Cut {
  readonly start: number
  readonly size: number
}

/** A part of a photo. Throws `model_unsupported` where colours are cut. */
function cropped(photo: Photo, place: string, cutOf: (axis: Axis, at: number) => Cut): Photo {
  let { height, width } = photo
  let isCut = false
  for (const [at, axis] of photo.axes.entries()) {
    const { start, size } = cutOf(axis, at)
    if (axis === 'c' && (start !== 0 || size !== 3)) {
      throw unsupportedModel(
        `${place}: expected red, green and blue, received a part or an order of them`,
      )
    }
    if (axis !== 'h' && axis !== 'w') continue
    const before = axis === 'h' ? photo.height : photo.width
    const after = Number.isNaN(size) ? undefined : size
    if (start !== 0 || after !== before) isCut = true
    if (axis === 'h') height = after
    else width = after
  }
  return isCut ? done({ ...photo, height, width }, 'a crop') : photo
}

function stridedSlice({ photo, inputs, node, place, reading }: PhotoCall): Photo | undefined {
  const [, begin, end, strides] = inputs
  if (begin?.kind !== 'constant' || end?.kind !== 'constant' || strides?.kind !== 'constant') {
    return undefined
  }
  const mask = (name: string) => Number(attribute(node, name, 'i') ?? 0)
  const has = (name: string, at: number) => (mask(name) & (1 << at)) !== 0
  const count = begin.data.length
  if (count > 16) throw invalidModel(`${place}: expected at most 16 axes, received ${count}`)
  const dims = reading.dims(photo)
  const newAxes = Array.from({ length: count }, (_, at) => has('new_axis_mask', at)).filter(Boolean)
  const cuts = new Map<Axis, Cut>()
  const axes: Axis[] = []
  let at = 0
  for (let entry = 0; entry < count; entry++) {
    if (has('ellipsis_mask', entry)) {
      const rest = Math.max(photo.axes.length - (count - newAxes.length - 1), 0)
      axes.push(...photo.axes.slice(at, at + rest))
      at += rest
    } else if (has('new_axis_mask', entry)) {
      if (photo.axes.includes('n') || axes.length > 0) return undefined
      axes.push('n')
    } else {
      const axis = photo.axes[at]
      if (axis === undefined) throw invalidModel(`${place}: expected fewer axes, received ${count}`)
      const size = dims[at++]!
      if (has('shrink_axis_mask', entry)) {
        if (axis !== 'n') return undefined
        continue
      }
      axes.push(axis)
      const inside = (from: number) => (from < 0 ? from + size : from)
      const start = has('begin_mask', entry) ? 0 : inside(begin.data[entry]!)
      const last = has('end_mask', entry)
        ? size
        : Math.min(inside(end.data[entry]!), axis === 'c' ? 3 : Number.POSITIVE_INFINITY)
      const step = strides.data[entry]!
      if (step !== 1) {
        throw unsupportedModel(
          `${place}: expected every pixel and colour in order, received a step of ${step}`,
        )
      }
      cuts.set(axis, { start, size: last - start })
    }
  }
  axes.push(...photo.axes.slice(at))
  const after = cropped(
    photo,
    place,
    (axis, place) => cuts.get(axis) ?? { start: 0, size: dims[place]! },
  )
  return { ...after, axes }
}
