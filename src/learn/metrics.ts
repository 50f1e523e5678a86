/** How often a classifier is right: over all photos and for each label. */
import {
  countRows,
  countScoreRows,
  requireColumns,
  requireIndices,
  requireLength,
  requireRows,
  type Scores,
} from './scores.ts'

/** Column of the largest score of each row of `scores` `[n, k]` → `[n]`; of equal scores the first. RangeError for NaN. */
export function argmaxRows(scores: Scores, k: number): Int32Array {
  const rows = countScoreRows(scores, k)
  const columns = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const start = row * k
    let best = start
    for (let i = start; i < start + k; i++) {
      if (Number.isNaN(scores[i]!)) {
        throw new RangeError(`Expected numbers as scores, received NaN in row ${row}`)
      }
      if (scores[i]! > scores[best]!) best = i
    }
    columns[row] = best - start
  }
  return columns
}

/**
 * Share of the rows of `scores` `[n, k]` whose largest score stands at their label, `[n]`. A label of -1, one that the
 * model does not know, counts as wrong. RangeError for no rows, NaN, or lengths that do not fit.
 */
export function accuracyOf(scores: Scores, k: number, labels: Int32Array): number {
  const rows = countRows(scores, k, labels)
  requireRows(rows)
  const predicted = argmaxRows(scores, k)
  let right = 0
  for (let row = 0; row < rows; row++) if (predicted[row] === labels[row]) right++
  return right / rows
}

/**
 * Share of rows whose label is among the `top` largest scores; of equal scores the earlier column ranks higher. A label
 * of -1 counts as wrong even where `top` covers every label. RangeError as for `accuracyOf`.
 */
export function topKAccuracy(scores: Scores, k: number, labels: Int32Array, top: number): number {
  const rows = countRows(scores, k, labels)
  requireRows(rows)
  if (!Number.isSafeInteger(top) || top < 1) {
    throw new RangeError(`Expected a whole number of answers above 0, received ${top}`)
  }
  let right = 0
  for (let row = 0; row < rows; row++) {
    const start = row * k
    const label = labels[row]!
    const own = scores[start + label]
    let ahead = 0
    for (let column = 0; column < k; column++) {
      const score = scores[start + column]!
      if (Number.isNaN(score)) {
        throw new RangeError(`Expected numbers as scores, received NaN in row ${row}`)
      }
      if (score > own! || (score === own && column < label)) ahead++
    }
    if (label !== -1 && ahead < top) right++
  }
  return right / rows
}

/** How one label fared; shares from 0 to 1. */
export interface LabelFigures {
  /** Rows that have this label. */
  readonly photos: number
  /** Share of the rows predicted as this label that have it. */
  readonly precision: number
  /** Share of the rows with this label that were predicted so. */
  readonly recall: number
  /** Harmonic mean of the two. */
  readonly f1: number
}

/**
 * Precision, recall and F1 for each of k labels, from `predicted` and `labels`, both `[n]`. A figure without rows to
 * divide by is 0, as in scikit-learn with `zero_division=0`. A row with label -1 belongs to no label and lowers the
 * precision of what was predicted for it. RangeError where lengths or indices do not fit.
 */
export function perLabelFigures(
  predicted: Int32Array,
  labels: Int32Array,
  k: number,
): LabelFigures[] {
  requireColumns(k)
  requireLength('predictions', predicted.length, labels.length)
  requireIndices('label', labels, -1, k)
  requireIndices('prediction', predicted, 0, k)
  const photos = new Float64Array(k)
  const answers = new Float64Array(k)
  const right = new Float64Array(k)
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    const answer = predicted[row]!
    answers[answer]!++
    if (label !== -1) photos[label]!++
    if (label === answer) right[label]!++
  }
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)
  return Array.from({ length: k }, (_, label) => ({
    photos: photos[label]!,
    precision: share(right[label]!, answers[label]!),
    recall: share(right[label]!, photos[label]!),
    f1: share(2 * right[label]!, answers[label]! + photos[label]!),
  }))
}

/**
 * Mean F1 over the labels that at least one row has, so that a label without photos neither helps nor hurts
 * (scikit-learn's `f1_score` with `average='macro'`, `zero_division=0` and `labels` set to those of the truth).
 * RangeError where no label has a row.
 */
export function macroF1(figures: readonly LabelFigures[]): number {
  const measured = figures.filter(({ photos }) => photos > 0)
  requireRows(measured.length)
  return measured.reduce((sum, { f1 }) => sum + f1, 0) / measured.length
}
