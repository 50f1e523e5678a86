/** Photos whose label is probably wrong: a classifier that never saw them is sure of another. */
import { countRows, type Scores } from './scores.ts'

export interface LabelError {
  readonly row: number
  /** The label that the row probably has. */
  readonly suggested: number
  /** Probability of `suggested`. */
  readonly probability: number
}

/**
 * Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021, arXiv 1911.00068). `probabilities` `[n, k]` must come
 * from classifiers that did not train on the row they judge (out of fold); `labels` `[n]`, where rows of -1 are left
 * out. A label is confident for a row when its probability reaches the mean probability that the label has among the
 * rows that carry it (equation 2), so that a label the classifier is generally shy of needs less. A row is reported when
 * a label other than its own is the largest of those confident for it (equation 1) and has more probability than its
 * own. Widest margin between the two first (the paper's normalized margin), equal margins by row.
 *
 * Expect most of what is reported to deserve a look, not to be wrong. Labels with few rows have unsteady thresholds.
 * RangeError for a probability outside `[0, 1]` or lengths that do not fit.
 */
export function findLabelErrors(
  probabilities: Scores,
  k: number,
  labels: Int32Array,
): LabelError[] {
  const rows = countRows(probabilities, k, labels)
  requireProbabilities(probabilities, k)
  const thresholds = meanOwnProbabilities(probabilities, k, labels)
  const suspects: (LabelError & { readonly margin: number })[] = []
  for (let row = 0; row < rows; row++) {
    const label = labels[row]!
    if (label === -1) continue
    const own = probabilities[row * k + label]!
    let suggested = -1
    let probability = own
    for (let other = 0; other < k; other++) {
      const share = probabilities[row * k + other]!
      if (share < thresholds[other]! || share <= probability) continue
      suggested = other
      probability = share
    }
    if (suggested !== -1) suspects.push({ row, suggested, probability, margin: probability - own })
  }
  return suspects
    .sort((a, b) => b.margin - a.margin)
    .map(({ row, suggested, probability }) => ({ row, suggested, probability }))
}

/** For each label the mean probability of it over the rows that carry it; Infinity where there are none. */
function meanOwnProbabilities(probabilities: Scores, k: number, labels: Int32Array): Float64Array {
  const sums = new Float64Array(k)
  const counts = new Float64Array(k)
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    if (label === -1) continue
    sums[label]! += probabilities[row * k + label]!
    counts[label]!++
  }
  return sums.map((sum, label) =>
    counts[label] === 0 ? Number.POSITIVE_INFINITY : sum / counts[label]!,
  )
}

function requireProbabilities(probabilities: Scores, k: number): void {
  for (let i = 0; i < probabilities.length; i++) {
    const share = probabilities[i]!
    if (!(share >= 0 && share <= 1)) {
      throw new RangeError(
        `Expected probabilities from 0 to 1, received ${share} in row ${Math.floor(i / k)}`,
      )
    }
  }
}
