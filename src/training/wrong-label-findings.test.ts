import { describe, expect, it } from 'vitest'
import { findWrongLabels } from './wrong-label-findings.ts'

const LABELS = ['apple', 'pear']

/** `count` photos of each label that are answered right, but for those at `wrong`, with these logits for the other label. */
function answered(count: number, wrong: ReadonlyMap<number, number>) {
  const labelIds = Int32Array.from({ length: 2 * count }, (_, row) => (row < count ? 0 : 1))
  const photos = Array.from(labelIds, (label, row) => ({
    path: `${row}.jpg`,
    label: LABELS[label] ?? '',
  }))
  const logits = Float32Array.from({ length: 4 * count }, (_, place) => {
    const row = Math.floor(place / 2)
    const isOwn = place % 2 === labelIds[row]
    const doubt = wrong.get(row)
    if (doubt === undefined) return isOwn ? 4 : 0
    return isOwn ? 0 : doubt
  })
  const rows = photos.map((_, row) => row)
  return { photos, labelIds, answers: { rows, logits } }
}

describe('findWrongLabels', () => {
  it('names the label that a photo looks like, the surest first', () => {
    const { photos, labelIds, answers } = answered(
      20,
      new Map([
        [3, 5],
        [25, 8],
      ]),
    )
    expect(findWrongLabels(photos, LABELS, labelIds, answers)).toEqual({
      findings: [
        {
          kind: 'probably-wrong-label',
          message: 'Stands under pear, looks like apple (99 %)',
          paths: ['25.jpg'],
          labels: ['pear', 'apple'],
          score: expect.closeTo(0.99966, 4),
        },
        {
          kind: 'probably-wrong-label',
          message: 'Stands under apple, looks like pear (99 %)',
          paths: ['3.jpg'],
          labels: ['apple', 'pear'],
          score: expect.closeTo(0.9933, 4),
        },
      ],
      lessSure: 0,
      rows: [25, 3],
    })
  })

  it.each([
    [20, 8, 5],
    [200, 30, 20],
    [1000, 80, 50],
  ])('of %i photos a label, %i doubted, lists %i', (count, doubted, listed) => {
    const wrong = new Map(Array.from({ length: doubted }, (_, row) => [row, 9]))
    const { photos, labelIds, answers } = answered(count, wrong)
    const { findings, lessSure } = findWrongLabels(photos, LABELS, labelIds, answers)
    expect(findings).toHaveLength(listed)
    expect(lessSure).toBe(doubted - listed)
  })

  it('follows rows that were not all judged', () => {
    const { photos, labelIds, answers } = answered(20, new Map([[30, 8]]))
    const rows = answers.rows.slice(10)
    const logits = answers.logits.slice(20)
    const { findings } = findWrongLabels(photos, LABELS, labelIds, { rows, logits })
    expect(findings.map(({ paths }) => paths)).toEqual([['30.jpg']])
  })
})
