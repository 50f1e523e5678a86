/** Positions in arrays that are stored row by row. */
import { elementCount } from '../../../tensor/tensor.ts'

export const stridesOf = (dims: readonly number[]): number[] =>
  dims.map((_size, axis) => elementCount(dims.slice(axis + 1)))

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
  return sum
}

/** Visits every position of a shape, row-major. */
export function eachIndex(
  dims: readonly number[],
  visit: (index: readonly number[], at: number) => void,
) {
  const index = dims.map(() => 0)
  const count = elementCount(dims)
  for (let at = 0; at < count; at++) {
    visit(index, at)
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) {
      index[axis] = 0
    }
  }
}
