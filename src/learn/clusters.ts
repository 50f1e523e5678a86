/** Groups look-alikes: k-means on the unit sphere (Dhillon and Modha 2001), seeded, small. */
import type { Gemm } from '../tensor/gemm.ts'
import { gatherRows } from './gather-rows.ts'
import type { Random } from './random.ts'

const MAX_ROUNDS = 20

/**
 * Gives each of `rows` of `features` `[n, width]` (rows of length 1) a cluster from 0 to `count - 1`.
 * Starts far apart (k-means++, Arthur and Vassilvitskii 2007), so that sessions of one subject are told apart.
 */
export async function clusterRows(
  gemm: Gemm,
  features: Float32Array,
  width: number,
  rows: readonly number[],
  count: number,
  random: Random,
): Promise<Int32Array> {
  const picked = gatherRows(features, width, rows)
  const centres = startCentres(picked, width, Math.min(count, rows.length), random)
  const assigned = new Int32Array(rows.length)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { data: cosines, columns } = await gemm.multiplyTransposedB(
      { data: picked, rows: rows.length, columns: width },
      { data: centres, rows: centres.length / width, columns: width },
    )
    let changed = 0
    for (let row = 0; row < rows.length; row++) {
      const best = indexOfLargest(cosines, row * columns, columns)
      if (best !== assigned[row]) changed++
      assigned[row] = best
    }
    if (changed === 0 && round > 0) break
    moveCentres(picked, width, assigned, centres)
  }
  return assigned
}

/** Centres `[count, width]`: rows that lie far apart. */
function startCentres(
  rows: Float32Array,
  width: number,
  count: number,
  random: Random,
): Float32Array {
  const total = rows.length / width
  const centres = new Float32Array(count * width)
  const distances = new Float64Array(total).fill(Number.POSITIVE_INFINITY)
  const take = (place: number, row: number) =>
    centres.set(rows.subarray(row * width, (row + 1) * width), place * width)
  take(0, random.integer(total))
  for (let place = 1; place < count; place++) {
    const newest = centres.subarray((place - 1) * width, place * width)
    let sum = 0
    for (let row = 0; row < total; row++) {
      let cosine = 0
      for (let i = 0; i < width; i++) cosine += rows[row * width + i]! * newest[i]!
      distances[row] = Math.min(distances[row]!, Math.max(0, 1 - cosine))
      sum += distances[row]!
    }
    let left = random.next() * sum
    let chosen = 0
    while (chosen < total - 1 && left >= distances[chosen]!) left -= distances[chosen++]!
    take(place, chosen)
  }
  return centres
}

/** Moves each centre to where its rows point on average; one without rows stays. */
function moveCentres(
  rows: Float32Array,
  width: number,
  assigned: Int32Array,
  centres: Float32Array,
): void {
  const sums = new Float64Array(centres.length)
  const members = new Int32Array(centres.length / width)
  for (const [row, cluster] of assigned.entries()) {
    members[cluster]!++
    for (let i = 0; i < width; i++) sums[cluster * width + i]! += rows[row * width + i]!
  }
  for (const [cluster, count] of members.entries()) {
    if (count === 0) continue
    const sum = sums.subarray(cluster * width, (cluster + 1) * width)
    const length = Math.hypot(...sum) || 1
    centres.set(
      sum.map((value) => value / length),
      cluster * width,
    )
  }
}

function indexOfLargest(values: Float32Array, start: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i
  return best
}
