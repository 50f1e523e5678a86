/** Divides rows into folds for cross-validation. */
import type { Random } from './random.ts'

/**
 * Gives each row of `labels` a fold from 0 to `folds - 1`; rows of one group share a fold. Groups go, largest first, to
 * the fold that has least of their label; a label's only group is given to fold -1, which is never held out.
 */
export function assignFolds(
  labels: Int32Array,
  groups: Int32Array,
  folds: number,
  random: Random,
): Int32Array {
  const members = new Map<number, number[]>()
  for (const [row, group] of groups.entries()) {
    const known = members.get(group)
    if (known === undefined) members.set(group, [row])
    else known.push(row)
  }
  const groupsOfLabel = new Map<number, Set<number>>()
  for (const [row, label] of labels.entries()) {
    const known = groupsOfLabel.get(label) ?? new Set()
    groupsOfLabel.set(label, known.add(groups[row]!))
  }
  const units = random.shuffle([...members.values()]).sort((a, b) => b.length - a.length)
  const perLabel = new Map<number, Float64Array>()
  const totals = new Float64Array(folds)
  const result = new Int32Array(labels.length).fill(-1)
  for (const rows of units) {
    const label = labels[rows[0]!]!
    if (rows.some((row) => groupsOfLabel.get(labels[row]!)!.size < 2)) continue
    const counts = perLabel.get(label) ?? new Float64Array(folds)
    perLabel.set(label, counts)
    let best = 0
    for (let fold = 1; fold < folds; fold++) {
      const isLess = counts[fold]! - counts[best]! || totals[fold]! - totals[best]!
      if (isLess < 0) best = fold
    }
    counts[best]! += rows.length
    totals[best]! += rows.length
    for (const row of rows) result[row] = best
  }
  return result
}
