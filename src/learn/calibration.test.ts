import { describe, expect, it } from 'vitest'
import {
  calibrationErrorByChance,
  expectedCalibrationError,
  NEVER_SURE,
  rejectionCurve,
  reliabilityBins,
  thresholdForAccuracy,
} from './calibration.ts'
import { wilsonInterval } from './confidence-interval.ts'
import golden from './golden-metrics.json' with { type: 'json' }
import { createRandom, type Random } from './random.ts'

const float64 = (...values: number[]) => Float64Array.from(values)
const uint8 = (...values: number[]) => Uint8Array.from(values)

/** The double next to a positive one, above for 1 and below for -1; 0 has no neighbour here. */
function nextDouble(value: number, direction: 1n | -1n): number {
  if (value === 0) return 0
  const bits = new BigInt64Array(float64(value).buffer)
  bits[0]! += direction
  return new Float64Array(bits.buffer)[0]!
}

/** Photos whose score is the square root of the chance that they are right: too sure of themselves. */
function drawPhotos(random: Random, rows: number, chanceOf = (score: number) => score ** 2) {
  const confidence = Float64Array.from({ length: rows }, () => 0.5 + random.next() / 2)
  const correct = Uint8Array.from(confidence, (score) => (random.next() < chanceOf(score) ? 1 : 0))
  return { confidence, correct }
}

describe('reliabilityBins', () => {
  it('puts a score on a bound into the bin below it, and 0 into the first', () => {
    const bins = reliabilityBins(float64(0, 0.25, 0.26, 0.5, 1), uint8(0, 1, 0, 1, 1), 4)
    expect(bins).toEqual([
      { from: 0, to: 0.25, count: 2, meanScore: 0.125, accuracy: 0.5 },
      { from: 0.25, to: 0.5, count: 2, meanScore: 0.38, accuracy: 0.5 },
      { from: 0.5, to: 0.75, count: 0, meanScore: 0, accuracy: 0 },
      { from: 0.75, to: 1, count: 1, meanScore: 1, accuracy: 1 },
    ])
  })

  it.each([1, 3, 7, 10, 15, 25, 29])(
    'keeps every score within the bounds of its one of %i bins',
    (bins) => {
      const edges = Array.from({ length: bins + 1 }, (_, edge) => edge / bins)
      const scores = edges.flatMap((edge) =>
        [nextDouble(edge, -1n), edge, nextDouble(edge, 1n)].filter(
          (score) => score >= 0 && score <= 1,
        ),
      )
      for (const score of scores) {
        const [held, ...others] = reliabilityBins(float64(score), uint8(1), bins).filter(
          ({ count }) => count > 0,
        )
        expect(others).toEqual([])
        expect(held!.from < score || score === 0).toBe(true)
        expect(score).toBeLessThanOrEqual(held!.to)
      }
    },
  )

  it('counts every photo once and has 15 bins unless told', () => {
    const { confidence, correct } = drawPhotos(createRandom(1), 1000)
    const bins = reliabilityBins(confidence, correct)
    expect(bins).toHaveLength(15)
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(1000)
    expect(bins.reduce((sum, { count, accuracy }) => sum + count * accuracy, 0)).toBeCloseTo(
      correct.reduce((sum, right) => sum + right, 0),
      9,
    )
  })

  it('has empty bins for no photos', () => {
    expect(reliabilityBins(float64(), uint8(), 2).map(({ count }) => count)).toEqual([0, 0])
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %s bins', (bins) => {
    expect(() => reliabilityBins(float64(0.5), uint8(1), bins)).toThrow(RangeError)
  })
})

describe('expectedCalibrationError', () => {
  it.each(golden.calibration)(
    'agrees with NumPy on $name',
    ({ confidence, correct, bins, error }) => {
      const found = expectedCalibrationError(
        Float64Array.from(confidence),
        Uint8Array.from(correct),
        bins,
      )
      expect(found).toBeCloseTo(error, 12)
    },
  )

  it.each([
    ['0 where the scores are true', float64(0.75, 0.75, 0.75, 0.75), uint8(1, 1, 1, 0), 0],
    ['0 where all are certain and right', float64(1, 1), uint8(1, 1), 0],
    ['1 where all are certain and wrong', float64(1, 1), uint8(0, 0), 1],
    ['the mean gap of the bins', float64(0.9, 0.9, 0.2, 0.2), uint8(1, 0, 1, 0), 0.35],
  ])('is %s', (_words, confidence, correct, error) => {
    expect(expectedCalibrationError(confidence, correct)).toBeCloseTo(error, 14)
  })

  it('finds the bias of scores that are too sure, and none in true ones', () => {
    const random = createRandom(2)
    const sure = drawPhotos(random, 100_000)
    // The integral of s - s² for s over [0.5, 1], times its density 2.
    expect(expectedCalibrationError(sure.confidence, sure.correct)).toBeCloseTo(1 / 6, 2)
    const honest = drawPhotos(random, 100_000, (score) => score)
    expect(expectedCalibrationError(honest.confidence, honest.correct)).toBeLessThan(0.01)
  })

  it('refuses no photos', () => {
    expect(() => expectedCalibrationError(float64(), uint8())).toThrow(RangeError)
  })
})

describe('calibrationErrorByChance', () => {
  it.each([100, 300, 3000])('is what %i photos of true scores show in the mean', (rows) => {
    const random = createRandom(rows)
    let [found, promised] = [0, 0]
    const draws = 200
    for (let draw = 0; draw < draws; draw++) {
      const { confidence, correct } = drawPhotos(random, rows, (score) => score)
      found += expectedCalibrationError(confidence, correct) / draws
      promised += calibrationErrorByChance(confidence) / draws
    }
    expect(promised / found).toBeGreaterThan(0.93)
    expect(promised / found).toBeLessThan(1.07)
  })

  it('is 0 for scores that leave nothing to chance, and refuses no photos', () => {
    expect(calibrationErrorByChance(float64(0, 1, 1))).toBe(0)
    expect(() => calibrationErrorByChance(float64())).toThrow(RangeError)
  })
})

describe('rejectionCurve', () => {
  it('answers photos of one score together and ends with all of them', () => {
    const confidence = float64(0.5, 0.9, 0.7, 0.9, 0.7)
    expect(rejectionCurve(confidence, uint8(0, 1, 0, 1, 1))).toEqual([
      { coverage: 0.4, accuracy: 1, threshold: 0.9 },
      { coverage: 0.8, accuracy: 0.75, threshold: 0.7 },
      { coverage: 1, accuracy: 0.6, threshold: 0.5 },
    ])
  })

  it.each([1, 2, 7, 200])(
    'keeps at most %i points, spread over the coverage, each as counted',
    (most) => {
      const { confidence, correct } = drawPhotos(createRandom(3), 5000)
      const points = rejectionCurve(confidence, correct, most)
      expect(points).toHaveLength(most)
      points.forEach(({ coverage, accuracy, threshold }, index) => {
        expect(Math.abs(coverage - (index + 1) / most)).toBeLessThan(1 / 5000)
        const answered = [...confidence.keys()].filter((row) => confidence[row]! >= threshold)
        expect(coverage).toBe(answered.length / 5000)
        expect(accuracy).toBe(answered.filter((row) => correct[row] === 1).length / answered.length)
      })
      expect(points.at(-1)!.coverage).toBe(1)
    },
  )

  it('keeps every point where they are few, however close, and few points where most share a score', () => {
    const confidence = new Float64Array(1000).fill(0.5)
    confidence.set([0.9, 0.8, 0.7])
    const coverages = rejectionCurve(confidence, new Uint8Array(1000), 4)
    expect(coverages.map(({ coverage }) => coverage)).toEqual([0.001, 0.002, 0.003, 1])
    const lateSteps = Float64Array.from({ length: 1000 }, (_, row) => (row < 900 ? 1 : row / 2000))
    expect(
      rejectionCurve(lateSteps, new Uint8Array(1000), 20).map(({ coverage }) => coverage),
    ).toEqual([0.9, 0.95, 1])
  })

  it('keeps to its limit and to the last point where some scores are shared by many photos', () => {
    const random = createRandom(4)
    for (let round = 0; round < 100; round++) {
      const rows = 1 + random.integer(60)
      const values = 1 + random.integer(40)
      const most = 1 + random.integer(20)
      const confidence = Float64Array.from(
        { length: rows },
        () => (random.integer(values) / 40) ** 3,
      )
      const points = rejectionCurve(confidence, new Uint8Array(rows), most)
      expect(points.length).toBeLessThanOrEqual(most)
      expect(points.at(-1)).toEqual({
        coverage: 1,
        accuracy: 0,
        threshold: Math.min(...confidence),
      })
      const coverages = points.map(({ coverage }) => coverage)
      expect(coverages).toEqual([...new Set(coverages)].toSorted((a, b) => a - b))
    }
  })

  it('has no points for no photos', () => {
    expect(rejectionCurve(float64(), uint8())).toEqual([])
  })

  it.each([0, 2.5, Number.NaN])('refuses %s points', (most) => {
    expect(() => rejectionCurve(float64(0.5), uint8(1), most)).toThrow(RangeError)
  })
})

describe('thresholdForAccuracy', () => {
  it('is the lowest score from which the lower bound reaches what is wanted', () => {
    const { confidence, correct } = drawPhotos(createRandom(5), 3000)
    const supported = (threshold: number) => {
      const answered = [...confidence.keys()].filter((row) => confidence[row]! >= threshold)
      return wilsonInterval(answered.filter((row) => correct[row] === 1).length, answered.length)
    }
    const threshold = thresholdForAccuracy(confidence, correct, 0.8)
    expect(supported(threshold).low).toBeGreaterThanOrEqual(0.8)
    const lower = [...confidence].filter((score) => score < threshold)
    expect(lower.length).toBeGreaterThan(1000)
    expect(lower.every((score) => supported(score).low < 0.8)).toBe(true)
  })

  it('keeps its promise on new photos', () => {
    const random = createRandom(6)
    let kept = 0
    for (let round = 0; round < 200; round++) {
      const { confidence, correct } = drawPhotos(random, 500)
      const threshold = thresholdForAccuracy(confidence, correct, 0.75)
      // Scores from t to 1 are right with the mean of s², (1 + t + t²) / 3.
      if ((1 + threshold + threshold ** 2) / 3 >= 0.75) kept++
    }
    // One side of a 95 % interval, and the choice among thresholds costs a little.
    expect(kept / 200).toBeGreaterThan(0.93)
  })

  it('is the lowest score of all where all photos together reach it', () => {
    const all = Float64Array.from({ length: 100 }, (_, row) => 0.3 + row / 200)
    expect(thresholdForAccuracy(all, new Uint8Array(100).fill(1), 0.95)).toBe(0.3)
    expect(thresholdForAccuracy(all, new Uint8Array(100), 0)).toBe(0.3)
  })

  it.each([
    ['too few right answers', 72, 0.95, NEVER_SURE],
    ['just enough', 73, 0.95, 0.9],
    ['certainty, which no sample supports', 100_000, 1, NEVER_SURE],
    ['nothing measured', 0, 0.5, NEVER_SURE],
  ])('of %s', (_words, rows, wanted, threshold) => {
    const confidence = new Float64Array(rows).fill(0.9)
    expect(thresholdForAccuracy(confidence, new Uint8Array(rows).fill(1), wanted)).toBe(threshold)
  })

  it('never answers where all are wrong, with a threshold that JSON keeps', () => {
    const threshold = thresholdForAccuracy(new Float64Array(500).fill(1), new Uint8Array(500), 0.5)
    expect(JSON.parse(JSON.stringify(threshold))).toBeGreaterThan(1)
  })

  it.each([-0.1, 1.1, Number.NaN])('refuses the accuracy %s', (wanted) => {
    expect(() => thresholdForAccuracy(float64(0.5), uint8(1), wanted)).toThrow(RangeError)
  })
})

describe.each([
  ['reliabilityBins', reliabilityBins],
  ['expectedCalibrationError', expectedCalibrationError],
  ['rejectionCurve', rejectionCurve],
  [
    'thresholdForAccuracy',
    (confidence: Float64Array, correct: Uint8Array) =>
      thresholdForAccuracy(confidence, correct, 0.5),
  ],
])('%s', (_name, measure) => {
  it.each([
    ['NaN', float64(0.5, Number.NaN), uint8(1, 1)],
    ['a score above 1', float64(0.5, 1 + 2 ** -52), uint8(1, 1)],
    ['a score below 0', float64(0.5, -1e-9), uint8(1, 1)],
    ['another number of answers', float64(0.5, 0.5), uint8(1)],
    ['an answer that is neither right nor wrong', float64(0.5, 0.5), uint8(1, 2)],
  ])('refuses %s', (_words, confidence, correct) => {
    expect(() => measure(confidence, correct)).toThrow(RangeError)
  })
})
