import { describe, expect, test } from 'vitest'
import {
  ConfusionIndex,
  FOREIGN,
  neighbourOf,
  shadeOf,
} from '../../web/report/src/confusion-index.ts'
import {
  describeChance,
  formatBytes,
  formatNumber,
  formatPercent,
  formatPoints,
  formatTime,
} from '../../web/report/src/format-numbers.ts'

/** No-break spaces as they are read. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ')

describe('numbers', () => {
  test.each([
    [0.88412, 1, '88.4 %'],
    [1, 1, '100.0 %'],
    [0.9996, 1, '> 99.9 %'],
    [0.9996, 0, '> 99 %'],
    [0.0001, 1, '< 0.1 %'],
    [0, 1, '0.0 %'],
    [null, 1, '–'],
    [Number.NaN, 1, '–'],
  ])('a share of %s is never rounded to all or nothing', (share, digits, text) => {
    expect(plain(formatPercent(share, digits))).toBe(text)
  })

  test.each([
    [0.0123, '+1.2'],
    [-0.2, '−20.0'],
    [0.0001, '±0.0'],
  ])('a difference of %s has a sign', (difference, text) => {
    expect(formatPoints(difference)).toBe(text)
  })

  test.each([
    [512, '512 B'],
    [96_400_000, '96.4 MB'],
    [999_999, '1.0 MB'],
    [5_000_000_000, '5.0 GB'],
  ])('%s bytes', (sizeBytes, text) => {
    expect(plain(formatBytes(sizeBytes))).toBe(text)
  })

  test.each([
    [0.0004, 30, 5, '30 to 5 would come about less than once in 1,000 times'],
    [0.0012, 5, 30, "30 to 5 would come about once in 1,000 times (McNemar's test, p = 0.001)"],
    [0.035, 12, 3, "4 times in 100 (McNemar's test, p = 0.035): it is hardly chance."],
    [0.5, 3, 1, "come about 50 times in 100 (McNemar's test, p = 0.500): it may well be chance."],
    [1, 2, 2, 'come about always'],
    [1, 0, 0, 'Both are right about the same photos.'],
  ])('a p-value of %s in words', (pValue, more, fewer, words) => {
    expect(plain(describeChance(pValue, more, fewer))).toContain(words)
  })

  test('strengths keep their digits, times their zone', () => {
    expect(formatNumber(0.00031623)).toBe('0.000316')
    expect(formatTime('2026-11-22T08:47:34.000Z')).toBe('22 November 2026 at 08:47 UTC')
    expect(formatTime('yesterday')).toBe('yesterday')
  })
})

describe('a confusion matrix', () => {
  const cell = (actual: number, predicted: number, count: number) => ({
    actual,
    predicted,
    count,
    photos: [],
  })
  const index = new ConfusionIndex([
    cell(FOREIGN, 1, 2),
    cell(2, 2, 10),
    cell(0, 0, 6),
    cell(0, 2, 4),
    cell(1, 1, 0),
    cell(3, 1, 1),
    cell(1, 3, 1),
  ])
  const places = (cells: readonly { actual: number; predicted: number }[]) =>
    cells.map(({ actual, predicted }) => [actual, predicted])

  test('reads row by row, foreign photos last, without empty cells', () => {
    const order = [
      [0, 0],
      [0, 2],
      [1, 3],
      [2, 2],
      [3, 1],
      [FOREIGN, 1],
    ]
    expect(places(index.cells)).toEqual(order)
  })

  test('knows the share of a row and the largest errors', () => {
    expect(index.errors()[0]).toEqual(cell(0, 2, 4))
    expect(index.shareOf(cell(0, 2, 4))).toBe(0.4)
  })

  test('picks no more labels than asked, from the largest errors on', () => {
    expect(index.mostConfused(2)).toEqual([0, 2])
    expect(index.mostConfused(4)).toEqual([0, 1, 2, 3])
  })

  test.each([
    ['ArrowRight', [0, 2], [1, 3]],
    ['ArrowLeft', [1, 3], [0, 2]],
    ['ArrowDown', [0, 2], [2, 2]],
    ['ArrowUp', [2, 2], [0, 2]],
    ['ArrowLeft', [0, 0], undefined],
    ['ArrowUp', [0, 0], undefined],
    ['ArrowRight', [FOREIGN, 1], undefined],
  ] as const)('%s leads from %s to %s', (arrow, [actual = 0, predicted = 0], expected) => {
    const from = index.at(actual, predicted)
    if (from === undefined) throw new Error('Expected a cell to start from')
    const to = neighbourOf(from, arrow, index.cells)
    expect(to === undefined ? undefined : [to.actual, to.predicted]).toEqual(expected)
  })

  test('colours errors deeper than the same share of right answers', () => {
    expect([0.01, 0.03, 0.1, 0.2].map((share) => shadeOf('wrong', share))).toEqual([
      'wrong-1',
      'wrong-2',
      'wrong-3',
      'wrong-4',
    ])
    expect([0.3, 0.6, 0.9, 1].map((share) => shadeOf('right', share))).toEqual([
      'right-1',
      'right-2',
      'right-3',
      'right-4',
    ])
  })
})
