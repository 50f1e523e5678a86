import { describe, expect, it } from 'vitest'
import golden from './golden-metrics.json' with { type: 'json' }
import { mcnemarTest } from './mcnemar.ts'
import { createRandom } from './random.ts'

describe('mcnemarTest', () => {
  it.each(golden.mcnemar)(
    'agrees with statsmodels and with whole numbers for $onlyFirst and $onlySecond',
    (given) => {
      const { pValue } = mcnemarTest(given.onlyFirst, given.onlySecond)
      expect(Math.abs(pValue / given.wholeNumbers - 1)).toBeLessThan(1e-12)
      expect(Math.abs(pValue - given.statsmodels)).toBeLessThan(1e-9)
    },
  )

  it('does not ask which of the two is the first', () => {
    expect(mcnemarTest(3, 17)).toEqual(mcnemarTest(17, 3))
  })

  it('falls as the two move apart, and stays within 0 and 1', () => {
    for (const trials of [1, 2, 9, 10, 101, 1000]) {
      const values = Array.from(
        { length: Math.floor(trials / 2) + 1 },
        (_, fewer) => mcnemarTest(fewer, trials - fewer).pValue,
      )
      expect(values).toEqual(values.toSorted((a, b) => a - b))
      expect(values.at(-1)).toBeCloseTo(1, 14)
      expect(values.every((value) => value > 0 && value <= 1)).toBe(true)
    }
  })

  it('is 0 only where a double has nothing smaller to say', () => {
    expect(mcnemarTest(0, 1070).pValue).toBeGreaterThan(0)
    expect(mcnemarTest(0, 100_000).pValue).toBe(0)
  })

  it('finds equal classifiers different at 5 % in at most 5 of 100 comparisons', () => {
    const random = createRandom(1)
    let rejected = 0
    for (let i = 0; i < 4000; i++) {
      let first = 0
      for (let photo = 0; photo < 60; photo++) first += random.integer(2)
      if (mcnemarTest(first, 60 - first).pValue < 0.05) rejected++
    }
    // The exact test keeps below its level: 2.7 % for 60 photos.
    expect(rejected / 4000).toBeGreaterThan(0.015)
    expect(rejected / 4000).toBeLessThan(0.05)
  })

  it.each([
    [-1, 2],
    [0.5, 1],
    [Number.NaN, 1],
    [1, Number.POSITIVE_INFINITY],
  ])('refuses %d and %d', (first, second) => {
    expect(() => mcnemarTest(first, second)).toThrow(RangeError)
  })
})
