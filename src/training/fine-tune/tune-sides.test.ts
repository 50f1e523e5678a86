import { describe, expect, it } from 'vitest'
import type { DatasetPhoto, Split } from '../../datasets/manifest.ts'
import type { Sides } from '../plan-sides.ts'
import { planTuneSides } from './tune-sides.ts'

const photosOf = (splits: readonly (Split | undefined)[]) =>
  splits.map((split, row) => ({
    path: `${row}.jpg`,
    sha256: String(row).padStart(64, '0'),
    label: row % 2 === 0 ? 'a' : 'b',
    ...(split === undefined ? {} : { split }),
  })) as unknown as DatasetPhoto[]

const sidesOf = (train: readonly number[], measured: readonly number[]): Sides => ({
  ...{ train, measured, final: train, choice: '', notes: [], cautions: [] },
})

const alone = (count: number) => Int32Array.from({ length: count }, (_, row) => row)

describe('planTuneSides', () => {
  it('judges with the validation side where another one measures', () => {
    const photos = photosOf(['train', 'train', 'validation', 'test'])
    expect(planTuneSides(photos, alone(4), sidesOf([0, 1, 2], [3]), 1)).toEqual({
      ...{ learn: [0, 1], validation: [2], isShared: false },
    })
  })

  it('judges with the measured photos where they are the only validation side', () => {
    const photos = photosOf(['train', 'train', 'validation'])
    expect(planTuneSides(photos, alone(3), sidesOf([0, 1], [2]), 1)).toEqual({
      ...{ learn: [0, 1], validation: [2], isShared: true },
    })
  })

  it('parts no group where it has to take photos to judge with', () => {
    const photos = photosOf(new Array(60).fill(undefined))
    const groups = Int32Array.from({ length: 60 }, (_, row) => Math.floor(row / 6))
    const train = [...photos.keys()].slice(0, 48)
    const { learn, validation, isShared } = planTuneSides(
      photos,
      groups,
      sidesOf(train, [...photos.keys()].slice(48)),
      1,
    )
    expect(isShared).toBe(false)
    expect([...learn, ...validation].sort((a, b) => a - b)).toEqual(train)
    const groupsOf = (rows: readonly number[]) => new Set(rows.map((row) => groups[row] ?? -1))
    expect([...groupsOf(learn)].filter((group) => groupsOf(validation).has(group))).toEqual([])
    expect(validation.length).toBeGreaterThan(0)
  })

  it('judges with no more photos than are of use', () => {
    const photos = photosOf(
      Array.from({ length: 9000 }, (_, row) => (row < 3000 ? 'validation' : 'train')),
    )
    const { learn, validation } = planTuneSides(
      photos,
      alone(9000),
      sidesOf([...photos.keys()], []),
      1,
    )
    expect([learn.length, validation.length]).toEqual([6000, 1500])
    expect([validation[0], validation.at(-1)]).toEqual([0, 2998])
  })
})
