/** How many photos labels have, and weights that make up for it. */

/** Largest ratio between labels' counts at which no weights are used (Kang et al. 2020 find little harm below). */
const EVEN_RATIO = 3

/** Weights that make up for unequal counts, as the square root of their ratio; all 1 where counts are about equal. */
export function balanceWeights(labels: Int32Array, classes: number): Float32Array {
  const counts = countLabels(labels, classes)
  const present = counts.filter((count) => count > 0)
  const mean = labels.length / present.length
  const isEven = Math.max(...present) < EVEN_RATIO * Math.min(...present)
  return Float32Array.from(labels, (label) => (isEven ? 1 : Math.sqrt(mean / counts[label]!)))
}

/** Photos of each class, `[classes]`. */
export function countLabels(labels: Iterable<number>, classes: number): Int32Array {
  const counts = new Int32Array(classes)
  for (const label of labels) counts[label]!++
  return counts
}

/** Photos that the class in the middle has. */
export function medianCount(labels: Int32Array, rows: readonly number[], classes: number): number {
  const counts = countLabels(
    rows.map((row) => labels[row]!),
    classes,
  ).sort()
  return counts[Math.floor(counts.length / 2)]!
}
