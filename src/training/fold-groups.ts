/** Which photos are held out together when classifiers are asked about photos that they did not see. */
import { groupBy } from '../datasets/group-by.ts'
import type { SimilarPair } from '../learn/near-duplicates.ts'
import { UnionFind } from '../learn/union-find.ts'

/** A chain with more of a label's photos than this is divided, or nothing would be left to know the label from. */
const LARGEST_SHARE = 0.4

/**
 * Near duplicates stay together, so that no photo is judged by its own copy. Look-alikes do not, as they do for measuring:
 * they are what shows that a label is wrong. On 543 composed photos with two wrong labels, held-out look-alikes made
 * classifiers doubt 41 labels, the two in places 1 and 25; near duplicates alone 6, the two in places 1 and 2.
 *
 * Chains that make up most of a label, as the frames of a turntable do, fall into their groups of look-alikes.
 *
 * @param labels - `[n]`
 * @param groups - `[n]` look-alikes, each from 0 to n − 1
 * @returns `[n]`, equal where rows are held out together
 */
export function foldGroups(
  labels: readonly string[],
  pairs: readonly SimilarPair[],
  groups: Int32Array,
): Int32Array {
  const count = labels.length
  const chains = new UnionFind(count)
  for (const { first, second } of pairs) chains.join(first, second)
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)

  const held = Int32Array.from(labels, (_, row) => chains.find(row))
  for (const rows of groupBy(held.keys(), (row) => held[row]).values()) {
    const isTooLarge = rows.some((row) => {
      const most = LARGEST_SHARE * (counts.get(labels[row] ?? '') ?? 0)
      return rows.length > Math.max(2, most)
    })
    if (!isTooLarge) continue
    // Numbers that no chain has.
    for (const row of rows) held[row] = count + (groups[row] ?? row)
  }
  return held
}
