import { describe, expect, it } from 'vitest'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import { chooseMode } from './choose-mode.ts'

/** So many photos of each label. */
const photosOf = (...counts: readonly number[]): DatasetPhoto[] =>
  counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, at) => {
      const name = `${label}/${at}.jpg`
      return { path: name, label: `${label}`, sha256: name } as DatasetPhoto
    }),
  )

const ask = (photos: readonly DatasetPhoto[], others = {}) =>
  chooseMode({ asked: 'auto', budgetMs: undefined, photos, isRounded: false, ...others })

describe('chooseMode', () => {
  it('takes what was asked for', () => {
    expect(ask(photosOf(2, 2), { asked: 'fine-tune' })).toEqual({
      ...{ mode: 'fine-tune', budgetMs: undefined, reason: undefined },
    })
  })

  it('fine-tunes with photos enough, within ten minutes or those that were named', () => {
    expect(ask(photosOf(60, 33, 90))).toEqual({
      mode: 'fine-tune',
      budgetMs: 600_000,
      reason: '183 photos to learn from, 60 of a label in the median, and 10m00s to do it',
    })
    expect(ask(photosOf(60, 33, 90), { budgetMs: 90_000 }).budgetMs).toBe(90_000)
  })

  it.each([
    [photosOf(12, 12, 400), '12 of a label in the median; fine-tuning wants 20 of a label'],
    [photosOf(40, 40), '80 photos to learn from, 40 of a label in the median; fine-tuning wants'],
    [
      photosOf(80, 80).map((photo, row) =>
        row % 4 === 0 ? photo : { ...photo, split: 'test' as const },
      ),
      '40 photos to learn from',
    ],
    [photosOf(80, 80).map((photo) => ({ ...photo, sha256: 'same' })), '0 photos to learn from'],
  ])('keeps features frozen for a handful of photos', (photos, reason) => {
    const decision = ask(photos)
    expect(decision.mode).toBe('frozen')
    expect(decision.reason).toContain(reason)
  })

  it('keeps what computes in 8 bit as it is', () => {
    expect(ask(photosOf(100, 100), { isRounded: true }).mode).toBe('frozen')
  })
})
