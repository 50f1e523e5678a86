import { describe, expect, it } from 'vitest'
import { bestIndex, softmax, topIndices } from './softmax.ts'

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

describe('softmax', () => {
  it('gives probabilities in the ratio of the exponentials', () => {
    const probabilities = softmax([Math.log(1), Math.log(2), Math.log(5)])
    expect([...probabilities]).toEqual(
      [1 / 8, 2 / 8, 5 / 8].map((share) => expect.closeTo(share, 15)),
    )
  })

  it.each([
    ['equal logits', [3, 3, 3, 3]],
    ['huge logits', [1000, 999, -1000]],
    ['tiny logits', [-1e30, -1e30]],
    ['one logit', [42]],
    ['single precision', Float32Array.of(0.1, 0.2, 0.3)],
    ['an impossible class', [0, Number.NEGATIVE_INFINITY]],
  ])('adds up to 1 for %s', (_words, logits) => {
    expect(sum(softmax(logits))).toBeCloseTo(1, 14)
  })

  it('does not change when all logits are moved', () => {
    expect(softmax([1, 2, 3])).toEqual(softmax([101, 102, 103]))
  })

  it('leaves its input alone', () => {
    const logits = [1, 2]
    softmax(logits)
    expect(logits).toEqual([1, 2])
  })

  it('gives nothing for nothing', () => {
    expect(softmax([])).toHaveLength(0)
  })
})

describe('topIndices', () => {
  it.each([
    ['largest first', [0.1, 0.7, 0.2], 2, [1, 2]],
    ['all when more are asked for', [0.1, 0.7], 9, [1, 0]],
    ['equal values by index', [0.3, 0.4, 0.3, 0.4], 4, [1, 3, 0, 2]],
    ['none of none', [], 3, []],
  ])('gives %s', (_words, values, count, indices) => {
    expect(topIndices(values, count)).toEqual(indices)
  })

  it('gives the same few as of all', () => {
    // With many equal values among them.
    const values = Array.from({ length: 500 }, (_, i) => (i * 7919) % 97)
    for (const count of [0, 1, 5, 32, 33]) {
      expect(topIndices(values, count)).toEqual(topIndices(values, 500).slice(0, count))
    }
    expect(bestIndex(values)).toBe(topIndices(values, 1)[0])
  })
})
