import { describe, expect, it } from 'vitest'
import golden from './golden-metrics.json' with { type: 'json' }
import { createRandom } from './random.ts'

const DRAWS = 100_000

/** Pearson's statistic over counts that should all be equal. */
const chiSquared = (counts: ArrayLike<number>, expected: number) =>
  Array.from(counts).reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)

describe('createRandom', () => {
  it.each(golden.random)('gives the numbers of the generator in Python for seed $seed', (given) => {
    const random = createRandom(given.seed)
    expect(given.next.map(() => random.next())).toEqual(given.next)
  })

  it('repeats itself for one seed and differs for another', () => {
    const stream = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 50 }, () => random.integer(1000))
    }
    expect(stream(7)).toEqual(stream(7))
    const seeds = [0, 1, 2, -1, 7, 2 ** 31, 2 ** 32, 2 ** 32 + 7, 2 ** 53 - 1]
    expect(new Set(seeds.map((seed) => stream(seed).join())).size).toBe(seeds.length)
  })

  it('gives neighbouring seeds first numbers without a pattern', () => {
    const buckets = new Int32Array(16)
    for (let seed = 0; seed < 16_000; seed++) buckets[Math.floor(createRandom(seed).next() * 16)]!++
    // 15 degrees of freedom: beyond 45 once in ten thousand.
    expect(chiSquared(buckets, 1000)).toBeLessThan(45)
  })

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses the seed %s', (seed) => {
    expect(() => createRandom(seed)).toThrow(RangeError)
  })
})

describe('next', () => {
  it('is uniform over [0, 1)', () => {
    const random = createRandom(3)
    const buckets = new Int32Array(100)
    for (let i = 0; i < DRAWS; i++) {
      const value = random.next()
      if (value < 0 || value >= 1) expect.fail(`${value} is outside [0, 1)`)
      buckets[Math.floor(value * 100)]!++
    }
    // 99 degrees of freedom: beyond 157 once in ten thousand.
    expect(chiSquared(buckets, DRAWS / 100)).toBeLessThan(157)
  })

  it('does not follow from the number before it', () => {
    const random = createRandom(4)
    let before = random.next()
    let products = 0
    for (let i = 0; i < DRAWS; i++) {
      const value = random.next()
      products += (before - 0.5) * (value - 0.5)
      before = value
    }
    // Correlation has a deviation of 1 / √n.
    expect(Math.abs((12 * products) / DRAWS)).toBeLessThan(4 / Math.sqrt(DRAWS))
  })
})

describe('integer', () => {
  it.each([2, 3, 7, 10])('gives each whole number below %i equally often', (end) => {
    const random = createRandom(end)
    const counts = new Int32Array(end)
    for (let i = 0; i < DRAWS; i++) counts[random.integer(end)]!++
    expect(chiSquared(counts, DRAWS / end)).toBeLessThan(36)
  })

  it('has no bias where the end divides 2^32 badly', () => {
    // A plain remainder of 32 bits by 3 × 2^30 would give the lowest third twice as often as each other.
    const end = 3 * 2 ** 30
    const random = createRandom(5)
    const thirds = new Int32Array(3)
    for (let i = 0; i < 30_000; i++) thirds[Math.floor(random.integer(end) / 2 ** 30)]!++
    expect(chiSquared(thirds, 10_000)).toBeLessThan(19)
  })

  it('reaches both ends of its range', () => {
    const random = createRandom(6)
    expect(random.integer(1)).toBe(0)
    const whole = Array.from({ length: 1000 }, () => random.integer(2 ** 32))
    expect(Math.max(...whole)).toBeGreaterThan(0.98 * 2 ** 32)
    expect(Math.min(...whole)).toBeGreaterThanOrEqual(0)
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32 + 1])('refuses the end %s', (end) => {
    expect(() => createRandom(1).integer(end)).toThrow(RangeError)
  })
})

describe('shuffle', () => {
  it('keeps the items and returns the same array', () => {
    const items = Int32Array.from({ length: 500 }, (_, i) => i)
    const shuffled = createRandom(1).shuffle(items)
    expect(shuffled).toBe(items)
    expect([...shuffled]).not.toEqual([...shuffled].toSorted((a, b) => a - b))
    expect(new Set(shuffled).size).toBe(500)
  })

  it.each([[[]], [['one']]])('leaves %j as it is', (items) => {
    expect(createRandom(1).shuffle([...items])).toEqual(items)
  })

  it('gives every order equally often', () => {
    const random = createRandom(2)
    const counts = new Map<string, number>()
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle(['a', 'b', 'c', 'd']).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    // 23 degrees of freedom: beyond 58 once in ten thousand.
    expect(chiSquared([...counts.values()], 1000)).toBeLessThan(58)
  })
})
