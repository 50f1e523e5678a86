import { describe, expect, it } from 'vitest'
import { assignFolds } from './folds.ts'
import { createRandom } from './random.ts'

const assign = (labels: number[], groups: number[], folds: number, seed = 1) => [
  ...assignFolds(Int32Array.from(labels), Int32Array.from(groups), folds, createRandom(seed)),
]

describe('assignFolds', () => {
  it('keeps its promises on any labels and groups', () => {
    const random = createRandom(11)
    for (let round = 0; round < 100; round++) {
      const count = 1 + random.integer(80)
      const folds = 2 + random.integer(5)
      const labels = Array.from({ length: count }, () => random.integer(6))
      const isMixed = round % 2 === 0
      const groups = labels.map((label) =>
        isMixed ? random.integer(1 + count) : 6 * random.integer(1 + count) + label,
      )
      const result = assign(labels, groups, folds, round)
      expect(result).toHaveLength(count)
      const foldOfGroup = new Map<number, number>()
      for (const [row, fold] of result.entries()) {
        expect(Number.isInteger(fold) && fold >= -1 && fold < folds).toBe(true)
        const group = groups[row] ?? -1
        expect(foldOfGroup.get(group) ?? fold).toBe(fold)
        foldOfGroup.set(group, fold)
      }
      for (const label of new Set(labels)) {
        const own = [...result.keys()].filter((row) => labels[row] === label)
        if (new Set(own.map((row) => groups[row])).size === 1) {
          expect(own.map((row) => result[row])).toEqual(own.map(() => -1))
        }
        for (let fold = 0; fold < folds; fold++) {
          // Whatever is held out, the label can be learned from the rest.
          expect(own.some((row) => result[row] !== fold)).toBe(true)
        }
      }
    }
  })

  it('gives every fold as much of each label where groups are single photos', () => {
    const labels = Array.from({ length: 103 }, (_, row) => row % 4)
    const result = assign(labels, [...labels.keys()], 5)
    for (let label = 0; label < 4; label++) {
      const counts = [0, 1, 2, 3, 4].map(
        (fold) => result.filter((each, row) => each === fold && labels[row] === label).length,
      )
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    }
    const totals = [0, 1, 2, 3, 4].map((fold) => result.filter((each) => each === fold).length)
    expect(Math.max(...totals) - Math.min(...totals)).toBeLessThanOrEqual(1)
  })

  it('spreads labels of two photos over all folds', () => {
    const labels = Array.from({ length: 100 }, (_, row) => row >> 1)
    const result = assign(labels, [...labels.keys()], 5)
    expect([0, 1, 2, 3, 4].map((fold) => result.filter((each) => each === fold).length)).toEqual(
      new Array(5).fill(20),
    )
  })

  it('gives a large group a fold of its own', () => {
    const labels = new Array<number>(30).fill(0)
    const groups = labels.map((_, row) => (row < 15 ? 99 : row))
    const result = assign(labels, groups, 3)
    const [large] = result
    expect(result.slice(0, 15).every((fold) => fold === large)).toBe(true)
    expect(result.slice(15).every((fold) => fold !== large)).toBe(true)
  })

  it('repeats itself for a seed and differs for another', () => {
    const labels = Array.from({ length: 60 }, (_, row) => row % 3)
    const groups = labels.map((_, row) => row >> 1)
    expect(assign(labels, groups, 5, 1)).toEqual(assign(labels, groups, 5, 1))
    expect(assign(labels, groups, 5, 1)).not.toEqual(assign(labels, groups, 5, 2))
  })

  it('gives nothing for no rows', () => {
    expect(assign([], [], 5)).toEqual([])
  })
})
