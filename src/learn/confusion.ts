/** Which label is taken for which: the confusion matrix as its non-empty cells. */
import { requireColumns, requireIndices, requireLength } from './scores.ts'

/** The rows that have one label and were predicted as another, or as the same. */
export interface ConfusionRows {
  /** -1 where the label is not one of the model's. */
  readonly actual: number
  readonly predicted: number
  readonly count: number
  /** Indices of the rows, in order. */
  readonly rows: readonly number[]
}

/**
 * The non-empty cells of the confusion matrix of `predicted` and `labels`, both `[n]`: first the wrong ones with most
 * rows first, then the right ones likewise; equal counts by label, then by prediction. RangeError where lengths or
 * indices do not fit.
 */
export function confusionCells(
  predicted: Int32Array,
  labels: Int32Array,
  k: number,
): ConfusionRows[] {
  requireColumns(k)
  requireLength('predictions', predicted.length, labels.length)
  requireIndices('label', labels, -1, k)
  requireIndices('prediction', predicted, 0, k)
  const rowsByCell = new Map<number, number[]>()
  for (let row = 0; row < labels.length; row++) {
    const cell = labels[row]! * k + predicted[row]!
    const rows = rowsByCell.get(cell)
    if (rows === undefined) rowsByCell.set(cell, [row])
    else rows.push(row)
  }
  return [...rowsByCell]
    .map(([cell, rows]) => {
      const actual = Math.floor(cell / k)
      return { actual, predicted: cell - actual * k, count: rows.length, rows }
    })
    .sort((a, b) => Number(isRight(a)) - Number(isRight(b)) || byCount(a, b))
}

/**
 * The `limit` wrong cells with most rows, most first. Rows whose label the model does not know are left out: no training
 * of this model could have told them apart.
 */
export function worstConfusions(cells: readonly ConfusionRows[], limit: number): ConfusionRows[] {
  return cells
    .filter((cell) => !isRight(cell) && cell.actual !== -1)
    .sort(byCount)
    .slice(0, limit)
}

const isRight = (cell: ConfusionRows) => cell.actual === cell.predicted

const byCount = (a: ConfusionRows, b: ConfusionRows) =>
  b.count - a.count || a.actual - b.actual || a.predicted - b.predicted
