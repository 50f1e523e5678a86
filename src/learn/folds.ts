/** Divides rows into folds for cross-validation. */
import type { Random } from './random.ts'

/**
 * Gives each row of `labels` a fold from 0 to `folds - 1`; rows of one group share a fold. Groups go, largest first, to
 * the fold that has least of their labels. Whatever fold is held out, each label that it has stands in another one too:
 * a label's only group, and one of the groups of a label that came to a single fold, is given to fold -1, which is never
 * held out.
 */
export function assignFolds(
  labels: Int32Array,
  groups: Int32Array,
  folds: number,
  random: Random,
): Int32Array {
  const rowsOfGroup = rowsByValue(groups)
  const rowsOfLabel = rowsByValue(labels)
  const isOnlyGroup = (row: number) =>
    rowsOfLabel.get(labels[row]!)!.every((other) => groups[other] === groups[row])

  const units = random.shuffle([...rowsOfGroup.values()]).sort((a, b) => b.length - a.length)
  const perLabel = new Map([...rowsOfLabel.keys()].map((label) => [label, new Float64Array(folds)]))
  const totals = new Float64Array(folds)
  const result = new Int32Array(labels.length).fill(-1)
  for (const rows of units) {
    if (rows.some(isOnlyGroup)) continue
    const held = Float64Array.from(totals, (_, fold) =>
      rows.reduce((sum, row) => sum + perLabel.get(labels[row]!)![fold]!, 0),
    )
    let best = 0
    for (let fold = 1; fold < folds; fold++) {
      const isLess = held[fold]! - held[best]! || totals[fold]! - totals[best]!
      if (isLess < 0) best = fold
    }
    for (const row of rows) {
      perLabel.get(labels[row]!)![best]!++
      totals[best]!++
      result[row] = best
    }
  }
  for (const rows of rowsOfLabel.values()) {
    const [first] = rows
    if (rows.some((row) => result[row] !== result[first!])) continue
    for (const row of rowsOfGroup.get(groups[first!]!)!) result[row] = -1
  }
  return result
}

/** Rows of each value, in order. */
function rowsByValue(values: Int32Array): Map<number, number[]> {
  const rowsOf = new Map<number, number[]>()
  for (const [row, value] of values.entries()) {
    const known = rowsOf.get(value)
    if (known === undefined) rowsOf.set(value, [row])
    else known.push(row)
  }
  return rowsOf
}
