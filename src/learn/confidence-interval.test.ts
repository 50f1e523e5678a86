import { describe, expect, it } from 'vitest'
import { bootstrapInterval, wilsonInterval } from './confidence-interval.ts'
import golden from './golden-metrics.json' with { type: 'json' }
import { createRandom } from './random.ts'

describe('wilsonInterval', () => {
  it.each(golden.wilson)('agrees with statsmodels for $correct of $total', (given) => {
    const { value, low, high } = wilsonInterval(given.correct, given.total)
    expect(value).toBe(given.correct / given.total)
    expect(low).toBeCloseTo(given.low, 12)
    expect(high).toBeCloseTo(given.high, 12)
  })

  it('holds its value, stays within 0 and 1, and mirrors', () => {
    for (let total = 1; total <= 60; total++) {
      for (let correct = 0; correct <= total; correct++) {
        const { value, low, high } = wilsonInterval(correct, total)
        expect(0 <= low && low <= value && value <= high && high <= 1).toBe(true)
        expect(1 - wilsonInterval(total - correct, total).high).toBeCloseTo(low, 14)
      }
    }
  })

  it('holds the true share in about 95 of 100 samples', () => {
    const random = createRandom(1)
    let held = 0
    for (let sample = 0; sample < 4000; sample++) {
      let correct = 0
      for (let i = 0; i < 50; i++) if (random.next() < 0.8) correct++
      const { low, high } = wilsonInterval(correct, 50)
      if (low <= 0.8 && 0.8 <= high) held++
    }
    expect(held / 4000).toBeGreaterThan(0.935)
    expect(held / 4000).toBeLessThan(0.965)
  })

  it.each([
    [0, 0],
    [-1, 5],
    [6, 5],
    [0.5, 5],
    [1, Number.NaN],
    [Number.NaN, 5],
    [0, -1],
    [1, Number.POSITIVE_INFINITY],
  ])('refuses %d of %d', (correct, total) => {
    expect(() => wilsonInterval(correct, total)).toThrow(RangeError)
  })
})

describe('bootstrapInterval', () => {
  const random = createRandom(9)
  const right = Uint8Array.from({ length: 400 }, () => (random.next() < 0.7 ? 1 : 0))
  const shareRight = (indices: Int32Array) =>
    indices.reduce((sum, row) => sum + right[row]!, 0) / indices.length

  it('comes close to the interval that theory gives a share', () => {
    const { value, low, high } = bootstrapInterval(400, shareRight, { seed: 1, rounds: 4000 })
    const exact = wilsonInterval(Math.round(value * 400), 400)
    expect(value).toBe(exact.value)
    expect(Math.abs(low - exact.low)).toBeLessThan(0.006)
    expect(Math.abs(high - exact.high)).toBeLessThan(0.006)
  })

  it('gives the percentiles of its samples, linear between neighbours', () => {
    let calls = 0
    // The rows as they are give 0, the 41 samples 1 to 41: positions 1 and 39 of 0 to 40.
    expect(bootstrapInterval(3, () => calls++, { seed: 1, rounds: 41 })).toEqual({
      value: 0,
      low: 2,
      high: 40,
    })
    calls = 0
    expect(bootstrapInterval(3, () => calls++, { seed: 1, rounds: 2 })).toEqual({
      value: 0,
      low: expect.closeTo(1.025, 12),
      high: expect.closeTo(1.975, 12),
    })
  })

  it('draws every row with replacement and repeats itself', () => {
    const drawn = new Int32Array(10)
    const run = (seed: number) =>
      bootstrapInterval(
        10,
        (rows) => {
          for (const row of rows) drawn[row]!++
          return new Set(rows).size
        },
        { seed },
      )
    const first = run(1)
    expect(first.value).toBe(10)
    expect(first.high).toBeLessThan(10)
    expect(run(1)).toEqual(first)
    expect(drawn.reduce((sum, count) => sum + count)).toBe(2 * 1001 * 10)
    expect(Math.max(...drawn) / Math.min(...drawn)).toBeLessThan(1.15)
  })

  it('keeps an infinite statistic', () => {
    const value = Number.POSITIVE_INFINITY
    expect(bootstrapInterval(2, () => value, { seed: 1 })).toEqual({
      value,
      low: value,
      high: value,
    })
  })

  it('refuses no rows, no rounds and a statistic that is NaN', () => {
    expect(() => bootstrapInterval(0, () => 1, { seed: 1 })).toThrow(RangeError)
    expect(() => bootstrapInterval(1, () => 1, { seed: 1, rounds: 0 })).toThrow(RangeError)
    expect(() => bootstrapInterval(1, () => Number.NaN, { seed: 1 })).toThrow(RangeError)
  })
})
