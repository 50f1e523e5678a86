/** An operator on a photo that has not entered the network yet. */
import { type Constant, wholeNumbers } from './constant.ts'
import type { Call } from './evaluate.ts'
import type { Reading } from './reading.ts'
import type { Photo, Value } from './value.ts'

export type Triple = readonly [number, number, number]

export interface PhotoCall extends Call {
  readonly photo: Photo
  readonly reading: Reading
}

/** Gives nothing where the operator begins a network. */
export type PhotoOperator = (call: PhotoCall) => Value | undefined

/** The photo after a step of the graph, each of which is named once. */
export const done = (photo: Photo, step: string): Photo => ({
  ...photo,
  steps: photo.steps.includes(step) ? photo.steps : [...photo.steps, step],
})

/** Numbers that depend on the photo. */
export const unknown = (type: number, count?: number): Constant => ({
  ...wholeNumbers(Array(count ?? 1).fill(Number.NaN), count === undefined ? [] : [count]),
  type,
})

/** One photo of a batch. */
export const element = (photo: Photo, index: Value | undefined): Photo | undefined =>
  index?.kind === 'constant'
    ? { ...photo, axes: photo.axes.filter((axis) => axis !== 'n') }
    : undefined

/** Blue, green and red where it was red, green and blue, and back. */
export function withColoursReversed(photo: Photo): Photo {
  const reversed = ([first, second, third]: Triple): Triple => [third, second, first]
  const [scale, offset] = [reversed(photo.scale), reversed(photo.offset)]
  return { ...photo, scale, offset, isBlueFirst: !photo.isBlueFirst }
}
