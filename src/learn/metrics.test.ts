import { describe, expect, it } from 'vitest'
import golden from './golden-metrics.json' with { type: 'json' }
import { accuracyOf, argmaxRows, macroF1, perLabelFigures, topKAccuracy } from './metrics.ts'
import { createRandom } from './random.ts'

const int32 = (...values: number[]) => Int32Array.from(values)
const float64 = (...values: number[]) => Float64Array.from(values)

describe.each(golden.classification)('with scikit-learn on $name', (given) => {
  const scores = Float64Array.from(given.scores)
  const labels = Int32Array.from(given.labels)
  const predicted = argmaxRows(scores, given.k)

  it('agrees in predictions and accuracy', () => {
    expect([...predicted]).toEqual(given.predicted)
    expect(accuracyOf(scores, given.k, labels)).toBeCloseTo(given.accuracy, 12)
    expect(accuracyOf(Float32Array.from(scores), given.k, labels)).toBeCloseTo(given.accuracy, 12)
  })

  it('agrees in top-k accuracy', () => {
    for (const { top, accuracy } of given.topK) {
      expect(topKAccuracy(scores, given.k, labels, top)).toBeCloseTo(accuracy, 12)
    }
    expect(topKAccuracy(scores, given.k, labels, 1)).toBeCloseTo(given.accuracy, 12)
    expect(topKAccuracy(scores, given.k, labels, given.k)).toBe(1)
  })

  it('agrees in precision, recall, F1 and macro-F1', () => {
    const figures = perLabelFigures(predicted, labels, given.k)
    expect(figures).toEqual(
      figures.map((_, label) => ({
        photos: given.photos[label],
        precision: expect.closeTo(given.precision[label]!, 12),
        recall: expect.closeTo(given.recall[label]!, 12),
        f1: expect.closeTo(given.f1[label]!, 12),
      })),
    )
    expect(macroF1(figures)).toBeCloseTo(given.macroF1, 12)
  })
})

describe('argmaxRows', () => {
  it('takes the first of equal scores', () => {
    expect([...argmaxRows(float64(1, 3, 3, 2, 2, 2, -1, -2, -1), 3)]).toEqual([1, 0, 0])
  })

  it('orders infinities', () => {
    const infinite = Number.POSITIVE_INFINITY
    expect([...argmaxRows(float64(-infinite, -5, 0, infinite, -infinite, -infinite), 2)]).toEqual([
      1, 1, 0,
    ])
  })

  it('gives nothing for no rows', () => {
    expect(argmaxRows(float64(), 4)).toHaveLength(0)
  })

  it('refuses a short row', () => {
    expect(() => argmaxRows(float64(1, 2, 3), 2)).toThrow(/Expected rows of 2 scores, received 3/)
  })

  it.each([0, 1, 2])('refuses NaN in column %i, with its row', (column) => {
    const scores = float64(1, 2, 3, 4, 5, 6)
    scores[3 + column] = Number.NaN
    expect(() => argmaxRows(scores, 3)).toThrow(/received NaN in row 1/)
    expect(() => argmaxRows(scores, 3)).toThrow(RangeError)
  })
})

describe('accuracyOf and topKAccuracy', () => {
  it('count a label that the model does not know as wrong', () => {
    const scores = float64(0.9, 0.1, 0.2, 0.8, 0.6, 0.4, 0.5, 0.5)
    const labels = int32(0, 1, -1, 1)
    expect(accuracyOf(scores, 2, labels)).toBe(0.5)
    expect(topKAccuracy(scores, 2, labels, 1)).toBe(0.5)
    expect(topKAccuracy(scores, 2, labels, 2)).toBe(0.75)
    expect(topKAccuracy(scores, 2, labels, 9)).toBe(0.75)
    expect(accuracyOf(scores, 2, int32(-1, -1, -1, -1))).toBe(0)
  })

  it('do not let an unknown label see the row before it', () => {
    // The score before row 1 is the last of row 0, the largest of all.
    expect(topKAccuracy(float64(0, 9, 1, 2), 2, int32(1, -1), 2)).toBe(0.5)
  })

  it('rank equal scores by column, so that a model that says nothing is right only for the first label', () => {
    const scores = new Float64Array(12).fill(0.25)
    const labels = int32(0, 1, 3)
    expect([1, 2, 3, 4].map((top) => topKAccuracy(scores, 4, labels, top))).toEqual([
      1 / 3,
      2 / 3,
      2 / 3,
      1,
    ])
    expect(accuracyOf(scores, 4, labels)).toBe(1 / 3)
  })

  it('are 1 with one label, and top 1 is accuracy on any scores with ties', () => {
    expect(accuracyOf(float64(0.1, -7), 1, int32(0, 0))).toBe(1)
    const random = createRandom(1)
    for (let round = 0; round < 50; round++) {
      const k = 1 + random.integer(6)
      const n = 1 + random.integer(30)
      const scores = Float32Array.from({ length: n * k }, () => random.integer(4))
      const labels = Int32Array.from({ length: n }, () => random.integer(k + 1) - 1)
      const tops = Array.from({ length: k }, (_, top) => topKAccuracy(scores, k, labels, top + 1))
      expect(tops[0]).toBe(accuracyOf(scores, k, labels))
      expect(tops).toEqual(tops.toSorted((a, b) => a - b))
    }
  })

  it.each([
    ['no rows', float64(), 2, int32()],
    ['NaN', float64(0, Number.NaN), 2, int32(0)],
    ['NaN beside an unknown label', float64(0, Number.NaN), 2, int32(-1)],
    ['a short row', float64(1, 2, 3), 2, int32(0)],
    ['too few labels', float64(1, 2, 3, 4), 2, int32(0)],
    ['a label beyond the columns', float64(1, 2), 2, int32(2)],
    ['a label below -1', float64(1, 2), 2, int32(-2)],
    ['no columns', float64(), 0, int32()],
    ['part of a column', float64(1, 2, 3), 1.5, int32(0, 0)],
  ])('refuse %s', (_words, scores, k, labels) => {
    expect(() => accuracyOf(scores, k, labels)).toThrow(RangeError)
    expect(() => topKAccuracy(scores, k, labels, 1)).toThrow(RangeError)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuse the top %s', (top) => {
    expect(() => topKAccuracy(float64(1, 2), 2, int32(0), top)).toThrow(RangeError)
  })
})

describe('perLabelFigures', () => {
  it('lowers precision by photos of things that the model does not know', () => {
    expect(perLabelFigures(int32(0, 0, 0, 1), int32(0, 0, -1, 1), 2)).toEqual([
      { photos: 2, precision: 2 / 3, recall: 1, f1: 0.8 },
      { photos: 1, precision: 1, recall: 1, f1: 1 },
    ])
  })

  it('is 0 where there is nothing to divide by', () => {
    const none = { photos: 0, precision: 0, recall: 0, f1: 0 }
    expect(perLabelFigures(int32(), int32(), 2)).toEqual([none, none])
    expect(perLabelFigures(int32(1), int32(0), 3)).toEqual([{ ...none, photos: 1 }, none, none])
  })

  it('is all ones when all are right', () => {
    expect(perLabelFigures(int32(0, 0), int32(0, 0), 1)).toEqual([
      { photos: 2, precision: 1, recall: 1, f1: 1 },
    ])
  })

  it.each([
    ['another number of labels', int32(0), int32(0, 1)],
    ['a prediction beyond the labels', int32(2), int32(0)],
    ['no prediction', int32(-1), int32(0)],
    ['a label beyond the labels', int32(0), int32(2)],
  ])('refuses %s', (_words, predicted, labels) => {
    expect(() => perLabelFigures(predicted, labels, 2)).toThrow(RangeError)
  })
})

describe('macroF1', () => {
  it('leaves out a label without photos, even one that was predicted', () => {
    expect(macroF1(perLabelFigures(int32(0, 2, 1), int32(0, 0, 1), 3))).toBeCloseTo(
      (2 / 3 + 1) / 2,
      14,
    )
  })

  it('refuses photos of which no label is known', () => {
    expect(() => macroF1(perLabelFigures(int32(0), int32(-1), 2))).toThrow(RangeError)
  })
})
