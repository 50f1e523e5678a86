/** Axes by number. */
import { invalidModel } from '../foreign/model-errors.ts'
import type { Call } from './evaluate.ts'

/** Axes from the end have negative numbers. */
export function normalAxis(axis: number, rank: number, { place }: Pick<Call, 'place'>): number {
  const normal = axis < 0 ? axis + rank : axis
  if (Number.isSafeInteger(normal) && normal >= 0 && normal < rank) return normal
  throw invalidModel(`${place}: expected an axis of ${rank}, received ${axis}`)
}

export function expandDims<T>(
  dims: readonly T[],
  axis: number,
  size: T,
  call: Pick<Call, 'place'>,
): T[] {
  const place = normalAxis(axis, dims.length + 1, call)
  return [...dims.slice(0, place), size, ...dims.slice(place)]
}
