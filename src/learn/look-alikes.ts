/**
 * Groups photos that stand on one side of every split, because knowing one is nearly knowing the other: near duplicates,
 * named groups, and, among photos without a name, those of a label that look most alike, as those of one session or place
 * do.
 */
import type { Gemm } from '../tensor/gemm.ts'
import { clusterRows } from './clusters.ts'
import type { SimilarPair } from './near-duplicates.ts'
import { createRandom } from './random.ts'
import { UnionFind } from './union-find.ts'

/** Groups into which the photos of a label that are in no named group fall, where it has as many. */
const GROUPS_PER_LABEL = 5
/** Largest share of a label's photos that chains of near duplicates may pull into one group: a turntable is one chain. */
const LARGEST_SHARE = 0.4

export interface LookAlikes {
  /** `[n]` group of each row. */
  readonly groups: Int32Array
  /** Pairs of near duplicates in different groups, because they would chain a whole label together. */
  readonly parted: number
}

/**
 * Groups the rows of `unit` `[n, width]` (rows of length 1) with labels `[n]` below `classes`. Rows with the same number
 * from 0 in `named` `[n]` are one group whatever they look like. Whoever named groups knows the sessions that looks only
 * guess at; groups by looks beside them would chain named groups that span labels into one.
 */
export async function groupLookAlikes(
  gemm: Gemm,
  unit: Float32Array,
  width: number,
  labels: Int32Array,
  classes: number,
  pairs: readonly SimilarPair[],
  seed: number,
  named: Int32Array = new Int32Array(labels.length).fill(-1),
): Promise<LookAlikes> {
  const rowsOf: number[][] = Array.from({ length: classes }, () => [])
  for (const [row, label] of labels.entries()) rowsOf[label]!.push(row)
  const sets = new UnionFind(labels.length)
  const sizes = new Int32Array(labels.length).fill(1)
  const join = (a: number, b: number) => {
    const [rootA, rootB] = [sets.find(a), sets.find(b)]
    if (rootA === rootB) return
    sets.join(rootA, rootB)
    sizes[sets.find(rootA)] = sizes[rootA]! + sizes[rootB]!
  }
  const random = createRandom(seed)
  for (const ofLabel of rowsOf) {
    const rows = ofLabel.filter((row) => named[row]! < 0)
    if (rows.length === 0) continue
    const clusters = await clusterRows(gemm, unit, width, rows, GROUPS_PER_LABEL, random)
    const first = new Map<number, number>()
    for (const [place, row] of rows.entries()) {
      const cluster = clusters[place]!
      const known = first.get(cluster)
      if (known === undefined) first.set(cluster, row)
      else join(known, row)
    }
  }
  const firstNamed = new Map<number, number>()
  for (const [row, name] of named.entries()) {
    if (name < 0) continue
    const known = firstNamed.get(name)
    if (known === undefined) firstNamed.set(name, row)
    else join(known, row)
  }
  const capOf = (row: number) => Math.max(2, LARGEST_SHARE * rowsOf[labels[row]!]!.length)
  let parted = 0
  for (const { first, second } of [...pairs].sort((a, b) => b.cosine - a.cosine)) {
    const [a, b] = [sets.find(first), sets.find(second)]
    if (a === b) continue
    const joined = sizes[a]! + sizes[b]!
    if (joined <= capOf(first) && joined <= capOf(second)) join(a, b)
    else parted++
  }
  return { groups: Int32Array.from(labels, (_, row) => sets.find(row)), parted }
}
