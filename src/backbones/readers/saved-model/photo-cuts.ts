/** Photos that are cut, padded and reshaped. */
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { attribute } from './graph.ts'
import { done, type PhotoCall, withColoursReversed } from './photo-call.ts'
import type { Axis, Photo } from './value.ts'

interface Cut {
  readonly start: number
  readonly size: number
}

/** A part of a photo. Throws `model_unsupported` where colours are cut. */
export function cropped(
  photo: Photo,
  place: string,
  cutOf: (axis: Axis, at: number) => Cut,
): Photo {
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

/** Pads by numbers that depend on the photo's size: the side that is too short. Others are the network's. */
export function padsToFit({ photo, inputs }: PhotoCall): Photo | undefined {
  const [, pads] = inputs
  if (pads?.kind !== 'constant' || !pads.data.some(Number.isNaN)) return undefined
  return done({ ...photo, height: undefined, width: undefined }, 'a padding')
}

export function reshape({ photo, inputs, place, reading }: PhotoCall): Photo | undefined {
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

export function stridedSlice({
  photo,
  inputs,
  node,
  place,
  reading,
}: PhotoCall): Photo | undefined {
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
  let isReversed = false
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
      if (axis === 'c' && step === -1 && has('begin_mask', entry) && has('end_mask', entry)) {
        isReversed = true
        continue
      }
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
  const turned = isReversed ? withColoursReversed(after) : after
  return { ...turned, axes }
}
