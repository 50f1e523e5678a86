import { describe, expect, it } from 'vitest'
import { toAugment, turnsOf } from './batches.ts'

const plan = { learn: [3, 5, 8, 13, 21], batchSize: 2, seed: 1 }
const rowsOf = (steps: readonly number[]) =>
  steps.flatMap((step) => turnsOf(plan, step)).map(({ row }) => row)

describe('turnsOf', () => {
  it('gives each photo once in an epoch, and lets an epoch end within a batch', () => {
    const rows = rowsOf([0, 1, 2, 3, 4])
    expect(rows.slice(0, 5).sort((a, b) => a - b)).toEqual(plan.learn)
    expect(rows.slice(5).sort((a, b) => a - b)).toEqual(plan.learn)
    expect(turnsOf(plan, 2).map(({ epoch }) => epoch)).toEqual([0, 1])
  })

  it('follows from the seed and the number of the step alone', () => {
    expect(turnsOf(plan, 7)).toEqual(turnsOf(plan, 7))
    const others = [0, 1, 2].flatMap((step) => turnsOf({ ...plan, seed: 2 }, step))
    expect(others.map(({ row }) => row)).not.toEqual(rowsOf([0, 1, 2]))
  })

  it('repeats photos where there are fewer than a batch has', () => {
    expect(turnsOf({ ...plan, learn: [4], batchSize: 3 }, 0)).toEqual([
      { row: 4, epoch: 0 },
      { row: 4, epoch: 1 },
      { row: 4, epoch: 2 },
    ])
  })
})

it('changes a photo otherwise in each epoch, alike in the same, whatever its row', async () => {
  const photo = { path: 'a.jpg', sha256: 'a'.repeat(64), label: 'a', load: 'a.jpg' }
  const photos = [photo, photo] as unknown as Parameters<typeof toAugment>[0]['photos']
  const drawn = (epoch: number, row = 0) => toAugment({ photos, seed: 1 }, [{ row, epoch }])
  expect(await drawn(0)).toEqual(await drawn(0, 1))
  expect(await drawn(1)).not.toEqual(await drawn(0))
})
