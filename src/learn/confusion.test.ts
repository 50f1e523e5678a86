import { describe, expect, it } from 'vitest'
import { confusionCells, worstConfusions } from './confusion.ts'
import { createRandom } from './random.ts'

const int32 = (...values: number[]) => Int32Array.from(values)

describe('confusionCells', () => {
  it('gives wrong cells first, most rows first, then right ones', () => {
    const labels = int32(0, 0, 1, 1, 2, 2, 2, 0, 0, -1, -1, -1)
    const answer = int32(0, 1, 0, 1, 0, 0, 2, 0, 1, 1, 1, 1)
    expect(confusionCells(answer, labels, 3)).toEqual([
      { actual: -1, predicted: 1, count: 3, rows: [9, 10, 11] },
      { actual: 0, predicted: 1, count: 2, rows: [1, 8] },
      { actual: 2, predicted: 0, count: 2, rows: [4, 5] },
      { actual: 1, predicted: 0, count: 1, rows: [2] },
      { actual: 0, predicted: 0, count: 2, rows: [0, 7] },
      { actual: 1, predicted: 1, count: 1, rows: [3] },
      { actual: 2, predicted: 2, count: 1, rows: [6] },
    ])
  })

  it('is empty for no rows and one cell for one label', () => {
    expect(confusionCells(int32(), int32(), 3)).toEqual([])
    expect(confusionCells(int32(0, 0), int32(0, 0), 1)).toEqual([
      { actual: 0, predicted: 0, count: 2, rows: [0, 1] },
    ])
  })

  it('holds each row once, in the cell it belongs to', () => {
    const random = createRandom(1)
    const k = 12
    const labels = Int32Array.from({ length: 3000 }, () => random.integer(k + 1) - 1)
    const answer = Int32Array.from({ length: 3000 }, () => random.integer(k))
    const cells = confusionCells(answer, labels, k)
    expect(new Set(cells.map(({ actual, predicted }) => `${actual} ${predicted}`)).size).toBe(
      cells.length,
    )
    for (const { actual, predicted, count, rows } of cells) {
      expect(count).toBe(rows.length)
      expect(rows).toEqual(rows.toSorted((a, b) => a - b))
      expect(rows.every((row) => labels[row] === actual && answer[row] === predicted)).toBe(true)
    }
    expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(3000)
  })

  it.each([
    ['another number of labels', int32(0), int32(0, 1), 2],
    ['a prediction beyond the labels', int32(2), int32(0), 2],
    ['a label below -1', int32(0), int32(-2), 2],
    ['no labels', int32(), int32(), 0],
  ])('refuses %s', (_words, predicted, labels, k) => {
    expect(() => confusionCells(predicted, labels, k)).toThrow(RangeError)
  })
})

describe('worstConfusions', () => {
  const cells = confusionCells(int32(1, 1, 0, 0, 0, 0, 1), int32(-1, -1, 1, 1, 2, 0, 1), 3)

  it('leaves out right answers and labels that the model does not know', () => {
    expect(worstConfusions(cells, 9)).toEqual([
      { actual: 1, predicted: 0, count: 2, rows: [2, 3] },
      { actual: 2, predicted: 0, count: 1, rows: [4] },
    ])
  })

  it('stops at its limit, whatever the order of the cells', () => {
    expect(worstConfusions(cells.toReversed(), 1)).toEqual(worstConfusions(cells, 9).slice(0, 1))
    expect(worstConfusions(cells, 0)).toEqual([])
    expect(worstConfusions([], 5)).toEqual([])
  })
})
