import { describe, expect, it } from 'vitest'
import golden from './golden-metrics.json' with { type: 'json' }
import { createRandom, type Random } from './random.ts'
import { softmax } from './softmax.ts'
import { fitTemperature, negativeLogLikelihood, TEMPERATURE_BOUNDS } from './temperature.ts'

const { lowest, highest } = TEMPERATURE_BOUNDS
const int32 = (...values: number[]) => Int32Array.from(values)
const float64 = (...values: number[]) => Float64Array.from(values)

/** Logits `[n, k]` whose labels are drawn from `softmax(logits / temperature)`. */
function drawLogits(random: Random, n: number, k: number, temperature: number) {
  const logits = Float64Array.from({ length: n * k }, () => temperature * 6 * (random.next() - 0.5))
  const labels = Int32Array.from({ length: n }, (_, row) => {
    const shares = softmax(
      logits.subarray(row * k, (row + 1) * k).map((logit) => logit / temperature),
    )
    let left = random.next()
    for (let label = 0; label < k - 1; label++) {
      left -= shares[label]!
      if (left < 0) return label
    }
    return k - 1
  })
  return { logits, labels }
}

describe.each(golden.temperature)('with SciPy on logits that are $name', (given) => {
  const logits = Float64Array.from(given.logits)
  const labels = Int32Array.from(given.labels)
  const options = given.weights === undefined ? {} : { weights: Float64Array.from(given.weights) }
  const fitted = fitTemperature(logits, given.k, labels, options)

  it('agrees in the temperature', () => {
    expect(Math.abs(fitted / given.temperature - 1)).toBeLessThan(1e-9)
    // The minimiser knows its place to half the digits of the loss.
    expect(Math.abs(fitted / given.minimum - 1)).toBeLessThan(1e-6)
  })
})

const unweighted = golden.temperature.filter(({ weights }) => weights === undefined)

it.each(unweighted)('agrees with SciPy in the loss on logits that are $name', (given) => {
  const logits = Float64Array.from(given.logits)
  const labels = Int32Array.from(given.labels)
  const lossAt = (temperature: number) =>
    negativeLogLikelihood(logits, given.k, labels, temperature)
  for (const { temperature, loss } of given.losses) {
    expect(Math.abs(lossAt(temperature) / loss - 1)).toBeLessThan(1e-12)
  }
  const fitted = fitTemperature(logits, given.k, labels)
  expect(lossAt(fitted)).toBeLessThanOrEqual(given.loss + 1e-12)
})

describe('fitTemperature', () => {
  it.each([0.1, 0.5, 1, 3, 15])(
    'finds the temperature %d that the labels were drawn with',
    (truth) => {
      const { logits, labels } = drawLogits(createRandom(1), 20_000, 5, truth)
      expect(Math.abs(fitTemperature(logits, 5, labels) / truth - 1)).toBeLessThan(0.03)
    },
  )

  it('finds a temperature that no neighbour beats', () => {
    const random = createRandom(2)
    for (let round = 0; round < 200; round++) {
      const k = 2 + random.integer(5)
      const n = 1 + random.integer(20)
      const scale = 10 ** (4 * random.next() - 2)
      const logits = Float64Array.from({ length: n * k }, () => scale * random.next())
      const labels = Int32Array.from({ length: n }, () => random.integer(k))
      const fitted = fitTemperature(logits, k, labels)
      const lossAt = (t: number) => negativeLogLikelihood(logits, k, labels, t)
      expect(fitted).toBeGreaterThanOrEqual(lowest * (1 - 1e-12))
      expect(fitted).toBeLessThanOrEqual(highest * (1 + 1e-12))
      for (const other of [0.9, 0.999, 1.001, 1.1]) {
        const neighbour = Math.min(highest, Math.max(lowest, fitted * other))
        expect(lossAt(fitted)).toBeLessThanOrEqual(lossAt(neighbour) + 1e-14)
      }
    }
  })

  it('follows the scale of the logits and ignores what is added to a row', () => {
    const { logits, labels } = drawLogits(createRandom(3), 500, 4, 1.5)
    const fitted = fitTemperature(logits, 4, labels)
    const doubled = logits.map((logit) => 2 * logit)
    expect(Math.abs(fitTemperature(doubled, 4, labels) / (2 * fitted) - 1)).toBeLessThan(1e-9)
    const moved = logits.map((logit, i) => logit + 1000 * Math.floor(i / 4))
    expect(Math.abs(fitTemperature(moved, 4, labels) / fitted - 1)).toBeLessThan(1e-9)
    const single = fitTemperature(Float32Array.from(logits), 4, labels)
    expect(Math.abs(single / fitted - 1)).toBeLessThan(1e-6)
  })

  it('takes a weight of 3 as three rows, 0 as none, and equal weights as none given', () => {
    const { logits, labels } = drawLogits(createRandom(4), 60, 3, 2)
    const weights = Float64Array.from(labels, (_, row) => [0, 1, 3][row % 3]!)
    const repeated = [...labels.keys()].flatMap((row) => new Array<number>(weights[row]!).fill(row))
    const fitted = fitTemperature(logits, 3, labels, { weights })
    const expected = fitTemperature(
      Float64Array.from(repeated.flatMap((row) => [...logits.subarray(row * 3, row * 3 + 3)])),
      3,
      Int32Array.from(repeated, (row) => labels[row]!),
    )
    expect(fitted).toBeCloseTo(expected, 9)
    expect(
      fitTemperature(logits, 3, labels, { weights: new Float64Array(60).fill(7) }),
    ).toBeCloseTo(fitTemperature(logits, 3, labels), 9)
  })

  it('leaves out a row of weight 0 whatever it holds', () => {
    const { logits, labels } = drawLogits(createRandom(8), 50, 2, 2)
    const weights = new Float64Array(51).fill(1)
    weights[50] = 0
    const more = float64(...logits, 0, Number.NEGATIVE_INFINITY)
    expect(fitTemperature(more, 2, int32(...labels, 1), { weights })).toBe(
      fitTemperature(logits, 2, labels),
    )
  })

  it('leaves out rows of labels that the model does not know', () => {
    const { logits, labels } = drawLogits(createRandom(5), 100, 3, 2)
    const known = fitTemperature(logits, 3, labels)
    const more = Float64Array.from([...logits, 90, -90, 0, 1, 2, 3])
    expect(fitTemperature(more, 3, int32(...labels, -1, -1))).toBe(known)
    expect(negativeLogLikelihood(more, 3, int32(...labels, -1, -1), known)).toBe(
      negativeLogLikelihood(logits, 3, labels, known),
    )
  })

  it.each([
    ['sharpens to its bound where all are right', float64(2, 0, 0, 2), int32(0, 1), lowest],
    ['flattens to its bound where all are wrong', float64(2, 0, 0, 2), int32(1, 0), highest],
    ['is 1 where all logits are equal', float64(5, 5, 5, 5), int32(1, 0), 1],
    ['is 1 where all are certain beyond a double', float64(1e30, 0, 0, 1e30), int32(0, 1), 1],
    [
      'is 1 where all other labels are ruled out',
      float64(1, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1),
      int32(0, 1),
      1,
    ],
    [
      'stays within its bounds where all are certain and wrong',
      float64(1e30, 0),
      int32(1),
      highest,
    ],
    ['takes the largest doubles', float64(1.7e308, 1e308, -1e308, 0), int32(0, 1), 1],
  ])('%s', (_words, logits, labels, temperature) => {
    expect(fitTemperature(logits, 2, labels)).toBeCloseTo(temperature, 12)
  })

  it('is 1 for a model of one label', () => {
    expect(fitTemperature(float64(3, 4), 1, int32(0, 0))).toBe(1)
  })

  it.each([
    [1, lowest],
    [40, lowest],
    [300, lowest],
    [740, lowest],
    // exp(-800) is 0: nothing is left to gain.
    [800, 1],
  ])('for answers that are all right by %i is %d', (margin, temperature) => {
    const logits = float64(margin, 0, 0, margin)
    expect(fitTemperature(logits, 2, int32(0, 1))).toBeCloseTo(temperature, 14)
  })

  it('moves only as far as one wrong answer among certain ones asks', () => {
    // 99 right by m and 1 wrong by m: the odds exp(m / T) must be 99.
    const logits = new Float64Array(200).map((_, i) => (i % 2 === 0 ? 30 : 0))
    const labels = new Int32Array(100).map((_, row) => (row === 0 ? 1 : 0))
    expect(fitTemperature(logits, 2, labels)).toBeCloseTo(30 / Math.log(99), 10)
  })

  it('is the same at every call', () => {
    const { logits, labels } = drawLogits(createRandom(6), 300, 7, 4)
    expect(fitTemperature(logits, 7, labels)).toBe(fitTemperature(logits, 7, labels))
  })

  it.each([
    ['no rows', float64(), int32()],
    ['no row of a known label', float64(1, 2), int32(-1)],
    ['NaN', float64(1, Number.NaN), int32(0)],
    ['an infinite logit', float64(1, Number.POSITIVE_INFINITY), int32(1)],
    ['a label that is ruled out', float64(1, Number.NEGATIVE_INFINITY), int32(1)],
    ['a label whose distance is beyond a double', float64(1.7e308, -1.7e308), int32(1)],
    ['a short row', float64(1, 2, 3), int32(0)],
    ['a label beyond the columns', float64(1, 2), int32(2)],
  ])('refuses %s', (_words, logits, labels) => {
    expect(() => fitTemperature(logits, 2, labels)).toThrow(RangeError)
  })

  it.each([
    ['too few', float64(1)],
    ['negative', float64(1, -1)],
    ['NaN', float64(1, Number.NaN)],
    ['infinite', float64(1, Number.POSITIVE_INFINITY)],
    ['all 0', float64(0, 0)],
  ])('refuses weights that are %s', (_words, weights) => {
    const logits = float64(1, 2, 3, 4)
    expect(() => fitTemperature(logits, 2, int32(0, 1), { weights })).toThrow(RangeError)
  })

  it('refuses weights that stand on unknown labels alone', () => {
    const weights = float64(0, 5)
    expect(() => fitTemperature(float64(1, 2, 3, 4), 2, int32(0, -1), { weights })).toThrow(
      RangeError,
    )
  })
})

describe('negativeLogLikelihood', () => {
  it('is the logarithm of the number of labels where the logits say nothing', () => {
    expect(negativeLogLikelihood(new Float64Array(12), 4, int32(0, 3, 2), 1)).toBeCloseTo(
      Math.log(4),
      14,
    )
  })

  it('keeps the digits of a row that is nearly certain', () => {
    expect(negativeLogLikelihood(float64(50, 0), 2, int32(0), 1) / Math.exp(-50)).toBeCloseTo(1, 12)
  })

  it('agrees with the softmax that answers', () => {
    const { logits, labels } = drawLogits(createRandom(7), 50, 6, 2)
    const losses = Array.from(
      labels,
      (label, row) =>
        -Math.log(
          softmax(logits.subarray(row * 6, row * 6 + 6).map((logit) => logit / 1.7))[label]!,
        ),
    )
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
    expect(negativeLogLikelihood(logits, 6, labels, 1.7)).toBeCloseTo(mean, 12)
  })

  it('is infinite where a label is ruled out', () => {
    const logits = float64(0, Number.NEGATIVE_INFINITY)
    expect(negativeLogLikelihood(logits, 2, int32(1), 1)).toBe(Number.POSITIVE_INFINITY)
    expect(negativeLogLikelihood(logits, 2, int32(0), 1)).toBe(0)
  })

  it.each([
    ['a row that rules out every label', Number.NEGATIVE_INFINITY, 1],
    ['NaN', Number.NaN, 1],
    ['the temperature 0', 0, 0],
    ['a negative temperature', 0, -1],
    ['an infinite temperature', 0, Number.POSITIVE_INFINITY],
    ['a temperature that is NaN', 0, Number.NaN],
  ])('refuses %s', (_words, logit, temperature) => {
    expect(() => negativeLogLikelihood(float64(logit, logit), 2, int32(0), temperature)).toThrow(
      RangeError,
    )
  })
})
