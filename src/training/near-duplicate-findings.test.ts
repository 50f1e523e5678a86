import { describe, expect, it } from 'vitest'
import type { Split } from '../datasets/manifest.ts'
import { findNearDuplicates } from './near-duplicate-findings.ts'

const photo = (path: string, split?: Split) => ({
  path,
  label: path.split('/')[0] ?? '',
  ...(split === undefined ? {} : { split }),
})
const pair = (first: number, second: number, cosine: number) => ({ first, second, cosine })

describe('findNearDuplicates', () => {
  it('finds nothing without pairs', () => {
    expect(findNearDuplicates([photo('apple/1'), photo('apple/2')], [])).toEqual([])
  })

  it('makes one finding of a chain, with its highest cosine', () => {
    const photos = ['apple/1', 'apple/2', 'apple/3', 'apple/4'].map((path) => photo(path))
    expect(findNearDuplicates(photos, [pair(0, 1, 0.96), pair(1, 3, 0.99)])).toEqual([
      {
        kind: 'near-duplicate',
        message: '3 photos of "apple" look nearly the same',
        paths: ['apple/1', 'apple/2', 'apple/4'],
        labels: ['apple'],
        score: 0.99,
      },
    ])
  })

  it('names two labels first and does not let them hide the chains within', () => {
    const photos = ['pear/1', 'pear/2', 'apple/1', 'apple/2'].map((path) => photo(path))
    const pairs = [pair(0, 1, 0.999), pair(0, 2, 0.96), pair(1, 3, 0.97)]
    expect(
      findNearDuplicates(photos, pairs).map(({ message, paths }) => ({ message, paths })),
    ).toEqual([
      {
        message: '4 photos look nearly the same and stand under two labels, "apple" and "pear"',
        // The surest pair comes first.
        paths: ['pear/2', 'apple/2', 'pear/1', 'apple/1'],
      },
      { message: '2 photos of "pear" look nearly the same', paths: ['pear/1', 'pear/2'] },
    ])
  })

  it('says which sides of a split a chain parts, and tells those first', () => {
    const photos = [
      photo('apple/1', 'train'),
      photo('apple/2', 'train'),
      photo('pear/1', 'train'),
      photo('pear/2', 'test'),
    ]
    const messages = findNearDuplicates(photos, [pair(0, 1, 0.99), pair(2, 3, 0.95)]).map(
      ({ message }) => message,
    )
    expect(messages).toEqual([
      '2 photos of "pear" look nearly the same, on 2 sides of the split: 1 train, 1 test',
      '2 photos of "apple" look nearly the same',
    ])
  })

  it('gives no cosine above 1', () => {
    const [finding] = findNearDuplicates([photo('a/1'), photo('a/2')], [pair(0, 1, 1.0000002)])
    expect(finding?.score).toBe(1)
  })
})
