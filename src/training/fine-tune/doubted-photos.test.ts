import { expect, it } from 'vitest'
import { withoutDoubted } from './doubted-photos.ts'

const labelIds = Int32Array.of(0, 0, 0, 1, 1, 0, 1)

it('leaves doubted photos out of what is learned from and of what judges', () => {
  const sides = { learn: [0, 1, 2, 3, 4], validation: [5, 6], isShared: false }
  expect(withoutDoubted(sides, labelIds, [1, 3, 6])).toEqual({
    learn: [0, 2, 4],
    validation: [5],
    isShared: false,
  })
})

it('keeps a label of which nothing would be left, and photos that figures come from', () => {
  const sides = { learn: [0, 1, 3, 4], validation: [5, 6], isShared: true }
  expect(withoutDoubted(sides, labelIds, [1, 3, 4, 6])).toEqual({
    learn: [0, 3, 4],
    validation: [5, 6],
    isShared: true,
  })
  const all = { learn: [0, 1], validation: [5], isShared: false }
  expect(withoutDoubted(all, labelIds, [5]).validation).toEqual([5])
})
