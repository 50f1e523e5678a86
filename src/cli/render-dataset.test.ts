import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../datasets/findings.ts'
import { formatBytes, formatPixels, renderFindings, renderLabels } from './render-dataset.ts'

const pipe = new PassThrough()
const terminal = Object.assign(new PassThrough(), { isTTY: true })
const NO_SPLIT = { train: 0, validation: 0, test: 0 }

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [66_120_000, '66 MB'],
    [5e15, '5000 TB'],
  ])('%i', (sizeBytes, text) => expect(formatBytes(sizeBytes)).toBe(text))
})

describe('formatPixels', () => {
  it('gives the range by the number of pixels', () => {
    const photos = [
      { width: 30, height: 10 },
      { width: 15, height: 15 },
      { width: 20, height: 20 },
    ]
    expect(formatPixels(photos)).toBe('15 × 15 to 20 × 20 pixels')
    expect(formatPixels(photos.slice(0, 1))).toBe('30 × 10 pixels each')
    expect(formatPixels([])).toBe('no pixels')
  })
})

describe('renderLabels', () => {
  it('aligns numbers and wide characters, largest first', () => {
    const counts = [
      { label: 'りんご', photos: 7, splits: { train: 5, validation: 2, test: 0 } },
      { label: 'apple', photos: 1200, splits: { train: 1000, validation: 200, test: 0 } },
    ]
    expect(renderLabels(pipe, counts)).toBe(
      '  label   photos  train  validation\n' +
        '  apple    1,200  1,000         200\n' +
        '  りんご       7      5           2\n',
    )
  })

  it('has bars on a terminal', () => {
    const counts = [10, 5].map((photos) => ({ label: `n${photos}`, photos, splits: NO_SPLIT }))
    expect(renderLabels(terminal, counts)).toBe(
      `  label  photos\n  n10        10  ${'█'.repeat(24)}\n  n5          5  ${'█'.repeat(12)}\n`,
    )
  })

  it('shows the ends of a long list', () => {
    const counts = Array.from({ length: 500 }, (_, index) => ({
      label: `label ${index}`,
      photos: 1000 - index,
      splits: NO_SPLIT,
    }))
    const lines = renderLabels(pipe, counts).trimEnd().split('\n')
    expect(lines).toHaveLength(1 + 20 + 1 + 20)
    expect(lines[21]).toBe('  … 460 more')
    expect(lines.at(-1)).toMatch(/^ {2}label 499 +501$/)
  })
})

describe('renderFindings', () => {
  const twice = (path: string): Finding => ({
    kind: 'two-labels',
    message: 'The same bytes stand under 2 labels: "a" and "b"',
    paths: [`a/${path}`, `b/${path}`],
    labels: ['a', 'b'],
  })

  it('says once what is the same', () => {
    expect(renderFindings(pipe, [twice('1'), twice('2'), twice('3')])).toBe(
      '3 photos under several labels\n  The same bytes stand under 2 labels: "a" and "b", 3 times: a/1, b/1, a/2 … and 3 more\n',
    )
  })

  it('shows the first few of many, by kind', () => {
    const few = Array.from(
      { length: 8 },
      (_, index): Finding => ({
        kind: 'few-photos',
        message: `Label ${index}`,
        paths: [],
        labels: [],
      }),
    )
    const lines = renderFindings(pipe, [...few, twice('1')]).split('\n')
    expect(lines.slice(0, 4)).toEqual([
      '1 photo under several labels',
      '  The same bytes stand under 2 labels: "a" and "b": a/1, b/1',
      '',
      '8 labels with too few photos',
    ])
    expect(lines.slice(-3)).toEqual(['  Label 4', '  … and 3 more, --json lists all', ''])
  })

  it('lets no path write to the terminal', () => {
    const finding = { ...twice('1'), paths: ['a/\x1b[2J\n.jpg'] }
    expect(renderFindings(pipe, [finding])).toContain('a/\\x1b[2J\\x0a.jpg')
  })
})
