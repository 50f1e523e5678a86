import { describe, expect, it } from 'vitest'
import { auroc, fprAtTpr } from './auroc.ts'
import golden from './golden-metrics.json' with { type: 'json' }
import { createRandom } from './random.ts'

const float64 = (...values: number[]) => Float64Array.from(values)

describe.each(golden.auroc)('with scikit-learn on scores with $name', (given) => {
  const known = Float64Array.from(given.known)
  const unknown = Float64Array.from(given.unknown)

  it('agrees in the area', () => {
    expect(auroc(known, unknown)).toBeCloseTo(given.auroc, 12)
  })

  it.each(given.fprAtTpr)('agrees in what passes when $tpr of the known do', ({ tpr, fpr }) => {
    expect(fprAtTpr(known, unknown, tpr)).toBeCloseTo(fpr, 12)
  })
})

describe('auroc', () => {
  it.each([
    ['1 when all unknown photos score higher', float64(1, 2), float64(3, 4, 5), 1],
    ['0 when all score lower', float64(3, 4), float64(1), 0],
    ['0.5 when all scores are equal', float64(7, 7, 7), float64(7, 7), 0.5],
    ['0.5 for a tie of one with one', float64(0), float64(-0), 0.5],
    [
      'the same for infinite scores',
      float64(Number.NEGATIVE_INFINITY, 0),
      float64(0, Number.POSITIVE_INFINITY),
      7 / 8,
    ],
  ])('is %s', (_words, known, unknown, area) => {
    expect(auroc(known, unknown)).toBe(area)
  })

  it('counts pairs as a comparison of each with each does, and mirrors', () => {
    const random = createRandom(1)
    for (let round = 0; round < 50; round++) {
      const draw = () =>
        Float32Array.from({ length: 1 + random.integer(20) }, () => random.integer(6))
      const known = draw()
      const unknown = draw()
      let wins = 0
      for (const a of known) for (const b of unknown) wins += b > a ? 1 : b === a ? 0.5 : 0
      expect(auroc(known, unknown)).toBeCloseTo(wins / (known.length * unknown.length), 14)
      expect(auroc(unknown, known)).toBeCloseTo(1 - auroc(known, unknown), 14)
    }
  })

  it('leaves its input alone', () => {
    const known = float64(3, 1, 2)
    auroc(known, float64(2))
    expect([...known]).toEqual([3, 1, 2])
  })

  it('handles 200,000 photos a side at once', () => {
    const random = createRandom(2)
    const known = Float32Array.from({ length: 200_000 }, () => random.next())
    const unknown = Float32Array.from({ length: 200_000 }, () => random.next() + 0.5)
    // P(u + 0.5 > v) for uniform u and v is 7/8.
    expect(auroc(known, unknown)).toBeCloseTo(0.875, 2)
    expect(fprAtTpr(known, unknown)).toBeCloseTo(0.45, 2)
  })
})

describe('fprAtTpr', () => {
  it('asks for 95 % unless told, and lets a score equal to the threshold pass', () => {
    const known = Float64Array.from({ length: 20 }, (_, i) => i)
    expect(fprAtTpr(known, float64(17, 18, 19, 20))).toBe(0.5)
    expect(fprAtTpr(known, float64(17, 18, 19, 20), 1)).toBe(0.75)
  })

  it('does not round the number of known photos up across a whole number', () => {
    // 0.07 × 100 is 7.000000000000001, yet 7 of 100 suffice.
    const known = Float64Array.from({ length: 100 }, (_, i) => i)
    expect(fprAtTpr(known, known, 0.07)).toBe(0.07)
  })

  it.each([0, -0.1, 1.1, Number.NaN])('refuses the share %s', (tpr) => {
    expect(() => fprAtTpr(float64(1), float64(2), tpr)).toThrow(RangeError)
  })
})

describe.each([
  ['auroc', auroc],
  ['fprAtTpr', fprAtTpr],
])('%s', (_name, measure) => {
  it.each([
    ['no known photos', float64(), float64(1)],
    ['no unknown photos', float64(1), float64()],
    ['NaN among the known', float64(1, Number.NaN), float64(1)],
    ['NaN among the unknown', float64(1), float64(Number.NaN, 1)],
  ])('refuses %s', (_words, known, unknown) => {
    expect(() => measure(known, unknown)).toThrow(RangeError)
  })
})
