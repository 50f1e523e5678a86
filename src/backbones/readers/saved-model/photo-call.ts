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

export type PhotoOperator = (call: PhotoCall) => Value | undefined

export const done = (photo: Photo, step: string): Photo => ({
  ...photo,
  steps: photo.steps.includes(step) ? photo.steps : [...photo.steps, step],
})

export const unknown = (type: number, count?: number): Constant => ({
  ...wholeNumbers(Array(count ?? 1).fill(Number.NaN), count === undefined ? [] : [count]),
  type,
})

/** One photo of a batch. */
export const element = (photo: Photo, index: Value | undefined): Photo | undefined =>
  index?.kind === 'constant'
    ? { ...photo, axes: photo.axes.filter((axis) => axis !== 'n') }
    : undefined
