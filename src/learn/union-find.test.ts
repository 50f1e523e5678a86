import { describe, expect, it } from 'vitest'
import { createRandom } from '../learn/random.ts'
import { UnionFind } from './union-find.ts'

describe('UnionFind', () => {
  it('agrees with sets that are merged by hand', () => {
    const random = createRandom(7)
    for (let round = 0; round < 50; round++) {
      const count = 1 + random.integer(30)
      const sets = new UnionFind(count)
      let byHand = Array.from({ length: count }, (_, index) => new Set([index]))
      for (let step = 0; step < random.integer(40); step++) {
        const [a, b] = [random.integer(count), random.integer(count)]
        sets.join(a, b)
        const touched = byHand.filter((set) => set.has(a) || set.has(b))
        const merged = new Set(touched.flatMap((set) => [...set]))
        byHand = [...byHand.filter((set) => !touched.includes(set)), merged]
      }
      for (let a = 0; a < count; a++) {
        for (let b = 0; b < count; b++) {
          const together = byHand.some((set) => set.has(a) && set.has(b))
          expect(sets.find(a) === sets.find(b)).toBe(together)
        }
      }
    }
  })

  it('refuses an element that is not there', () => {
    expect(() => new UnionFind(2).find(2)).toThrow(/received 2/)
  })
})
