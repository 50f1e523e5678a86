import { describe, expect, it } from 'vitest'
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import type { ScannedPhoto } from '../datasets/scan.ts'
import { chooseSide } from './choose-side.ts'

const backbone = findBackbone(DEFAULT_BACKBONE)
const photosOf = (side: number) =>
  Array.from({ length: 1000 }, () => ({ width: side + 100, height: side }) as ScannedPhoto)
const minutes = (count: number) => count * 60_000

describe('chooseSide', () => {
  it('looks more closely at photos that have more to show', () => {
    const calm = { mode: 'fine-tune', budgetMs: undefined } as const
    expect(chooseSide(photosOf(348), backbone, calm, 2)).toBe(288)
    expect(chooseSide(photosOf(200), backbone, calm, 2)).toBe(224)
  })

  it.each([
    ['fine-tune', 4.9, 2, 224],
    ['fine-tune', 5, 2, 288],
    ['fine-tune', 2.5, 4, 288],
    ['frozen', 0.9, 2, 224],
    ['frozen', 1, 2, 288],
  ] as const)('for %s in %s minutes on %i cores takes %i pixels', (mode, count, workers, side) => {
    const budget = { mode, budgetMs: minutes(count) }
    expect(chooseSide(photosOf(348), backbone, budget, workers)).toBe(side)
  })
})
