import { expect, it } from 'vitest'
import { planLooks } from './plan-looks.ts'

it('looks at all photos where they are few, and at each once', () => {
  const labelIds = Int32Array.from([0, 0, 1, 1, 0])
  expect(planLooks({ learn: [0, 1, 2], validation: [3] }, [3, 4], labelIds)).toEqual({
    learned: [0, 1, 2],
    rows: [0, 1, 2, 3, 4],
  })
})

it('looks at a share of many learned photos, and at enough of a rare label', () => {
  const learn = Array.from({ length: 20_000 }, (_, row) => row)
  const labelIds = Int32Array.from(learn, (row) => (row < 40 ? 0 : 1))
  const { learned, rows } = planLooks({ learn, validation: [20_000] }, [20_001], labelIds)
  expect(learned.filter((row) => row < 40)).toHaveLength(12)
  expect(learned.length).toBeLessThan(1050)
  expect(new Set(learned).size).toBe(learned.length)
  expect(rows).toEqual([...learned, 20_000, 20_001])
})
