/** Groups look-alikes: k-means on the unit sphere (Dhillon and Modha 2001), seeded, small. */
import type { Random } from './random.ts'

const MAX_ROUNDS = 20

/**
 * Gives each of `rows` of `features` `[n, width]` (rows of length 1) a cluster from 0 to `count - 1`.
 * Starts far apart (k-means++, Arthur and Vassilvitskii 2007), so that sessions of one subject are told apart.
 */
export function clusterRows(
  features: Float32Array,
  width: number,
  rows: readonly number[],
  count: number,
  random: Random,
): Int32Array {
  const clusters = Math.min(count, rows.length)
  const centres = startCentres(features, width, rows, clusters, random)
  const assigned = new Int32Array(rows.length)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let changed = 0
    for (const [place, row] of rows.entries()) {
      const best = nearest(features, row * width, centres)
      if (best !== assigned[place]) changed++
      assigned[place] = best
    }
    if (changed === 0 && round > 0) break
    moveCentres(features, width, rows, assigned, centres)
  }
  return assigned
}

function startCentres(
  features: Float32Array,
  width: number,
  rows: readonly number[],
  count: number,
  random: Random,
): Float64Array[] {
  const at = (row: number) => Float64Array.from(features.subarray(row * width, (row + 1) * width))
  const centres = [at(rows[random.integer(rows.length)]!)]
  const distances = new Float64Array(rows.length).fill(Number.POSITIVE_INFINITY)
  while (centres.length < count) {
    const newest = centres.at(-1)!
    let total = 0
    for (const [place, row] of rows.entries()) {
      const distance = Math.max(0, 1 - product(features, row * width, newest))
      distances[place] = Math.min(distances[place]!, distance)
      total += distances[place]!
    }
    let left = random.next() * total
    let chosen = 0
    while (chosen < rows.length - 1 && left >= distances[chosen]!) left -= distances[chosen++]!
    centres.push(at(rows[chosen]!))
  }
  return centres
}

function moveCentres(
  features: Float32Array,
  width: number,
  rows: readonly number[],
  assigned: Int32Array,
  centres: readonly Float64Array[],
): void {
  for (const [index, centre] of centres.entries()) {
    const sum = new Float64Array(width)
    let members = 0
    for (const [place, row] of rows.entries()) {
      if (assigned[place] !== index) continue
      members++
      for (let i = 0; i < width; i++) sum[i]! += features[row * width + i]!
    }
    if (members === 0) continue
    const length = Math.hypot(...sum) || 1
    for (let i = 0; i < width; i++) centre[i] = sum[i]! / length
  }
}

function nearest(features: Float32Array, start: number, centres: readonly Float64Array[]): number {
  let best = 0
  let bestProduct = Number.NEGATIVE_INFINITY
  for (const [index, centre] of centres.entries()) {
    const value = product(features, start, centre)
    if (value > bestProduct) {
      best = index
      bestProduct = value
    }
  }
  return best
}

function product(features: Float32Array, start: number, centre: Float64Array): number {
  let sum = 0
  for (let i = 0; i < centre.length; i++) sum += features[start + i]! * centre[i]!
  return sum
}
