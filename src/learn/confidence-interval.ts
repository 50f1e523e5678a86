/** Intervals at 95 % around what was measured on a sample of photos. */
import { createRandom } from './random.ts'
import { requireRows } from './scores.ts'

/** A measured value with its 95 % interval. */
export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** The 97.5th percentile of the normal distribution: two sides of 2.5 % stay outside. */
const Z = 1.959963984540054

/**
 * The share `correct / total` with Wilson's score interval (E. B. Wilson, JASA 22, 1927), which stays inside `[0, 1]`
 * and is sound for small samples and shares near 0 or 1. RangeError for a total of 0 or counts that do not fit.
 */
export function wilsonInterval(correct: number, total: number): Interval {
  requireRows(total)
  if (!Number.isSafeInteger(total) || !Number.isSafeInteger(correct)) {
    throw new RangeError(`Expected whole numbers, received ${correct} of ${total}`)
  }
  if (correct < 0 || correct > total) {
    throw new RangeError(`Expected from 0 to ${total} correct, received ${correct}`)
  }
  const value = correct / total
  const scale = 1 + Z ** 2 / total
  const middle = (value + Z ** 2 / (2 * total)) / scale
  const half = (Z / scale) * Math.sqrt((value * (1 - value)) / total + Z ** 2 / (4 * total ** 2))
  return {
    value,
    // The formula gives exactly 0 and 1 at the ends; rounding does not.
    low: correct === 0 ? 0 : middle - half,
    high: correct === total ? 1 : middle + half,
  }
}

/** What `bootstrapInterval` repeats. */
export interface BootstrapOptions {
  readonly seed: number
  /** Resamples drawn. */
  readonly rounds?: number
}

/**
 * Any statistic of n rows with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13): the 2.5th and
 * 97.5th percentile, linear between neighbours, of the statistic over `rounds` samples drawn with replacement. `value`
 * is the statistic of the rows as they are. `statistic` receives row indices `[n]` in an array that the next round
 * overwrites. RangeError for no rows or a statistic that is NaN.
 */
export function bootstrapInterval(
  n: number,
  statistic: (indices: Int32Array) => number,
  { seed, rounds = 1000 }: BootstrapOptions,
): Interval {
  requireRows(n)
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new RangeError(`Expected at least one round, received ${rounds}`)
  }
  const random = createRandom(seed)
  const indices = Int32Array.from({ length: n }, (_, row) => row)
  const measure = () => {
    const value = statistic(indices)
    if (Number.isNaN(value)) throw new RangeError('Expected a statistic, received NaN')
    return value
  }
  const value = measure()
  const samples = new Float64Array(rounds)
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) indices[i] = random.integer(n)
    samples[round] = measure()
  }
  samples.sort()
  return { value, low: percentile(samples, 0.025), high: percentile(samples, 0.975) }
}

function percentile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = sorted[Math.floor(position)]!
  const above = sorted[Math.ceil(position)]!
  // Equal neighbours are kept as they are, infinite ones too.
  return below === above ? below : below + (position % 1) * (above - below)
}
