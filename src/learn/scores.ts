/** The arrays that evaluation works on, and the checks that refuse what no figure can be computed from. */

/** Probabilities or logits, row-major `[n, k]`: one row per photo, one column per label of the model. */
export type Scores = Float32Array | Float64Array

/**
 * Number of rows n of `scores` `[n, k]`. RangeError where the lengths of `scores` and `labels` `[n]` do not fit each
 * other, or a label is neither a column nor -1, which marks a label that the model does not know.
 */
export function countRows(scores: Scores, k: number, labels: Int32Array): number {
  const rows = countScoreRows(scores, k)
  requireLength('labels', labels.length, rows)
  requireIndices('label', labels, -1, k)
  return rows
}

/** Number of rows n of `scores` `[n, k]`. RangeError where k is not a whole number above 0 or the last row is short. */
export function countScoreRows(scores: Scores, k: number): number {
  requireColumns(k)
  if (scores.length % k !== 0) {
    throw new RangeError(`Expected rows of ${k} scores, received ${scores.length} scores`)
  }
  return scores.length / k
}

/** RangeError where `k`, a number of labels, is not a whole number above 0. */
export function requireColumns(k: number): void {
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new RangeError(`Expected a whole number of labels above 0, received ${k}`)
  }
}

/** RangeError where an array has another length than the rows it belongs to. */
export function requireLength(name: string, received: number, expected: number): void {
  if (received !== expected) {
    throw new RangeError(`Expected ${expected} ${name}, one a row, received ${received}`)
  }
}

/** RangeError where a value lies outside `[from, end)`. */
export function requireIndices(name: string, values: Int32Array, from: number, end: number): void {
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!
    if (value < from || value >= end) {
      throw new RangeError(
        `Expected a ${name} from ${from} to ${end - 1}, received ${value} in row ${row}`,
      )
    }
  }
}

/** RangeError where nothing was measured, because a mean over nothing is no number. */
export function requireRows(rows: number): void {
  if (rows === 0) throw new RangeError('Expected at least one row, received none')
}

/** RangeError where a value is NaN; infinities pass, since they have a place in the order. */
export function requireOrdered(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) {
      throw new RangeError(`Expected a number for each ${name}, received NaN at index ${i}`)
    }
  }
}
