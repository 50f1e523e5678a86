import { describe, expect, it } from 'vitest'
import { foldGroups } from './fold-groups.ts'

const pair = (first: number, second: number) => ({ first, second, cosine: 0.99 })
/** Sets of rows that are held out together, those of one row left out. */
function setsOf(held: Int32Array): number[][] {
  const sets = new Map<number, number[]>()
  for (const [row, group] of held.entries()) sets.set(group, [...(sets.get(group) ?? []), row])
  return [...sets.values()].filter((rows) => rows.length > 1)
}
const all = (label: string, count: number) => new Array<string>(count).fill(label)

describe('foldGroups', () => {
  it('keeps near duplicates together and look-alikes apart', () => {
    const groups = Int32Array.from([0, 0, 0, 0, 0, 0, 0, 0])
    expect(setsOf(foldGroups(all('apple', 8), [pair(0, 3), pair(3, 5)], groups))).toEqual([
      [0, 3, 5],
    ])
  })

  it('keeps two copies together however few photos a label has', () => {
    const groups = Int32Array.from([0, 1, 2])
    expect(setsOf(foldGroups(all('apple', 3), [pair(0, 1)], groups))).toEqual([[0, 1]])
  })

  it('divides a chain that makes up most of a label into its look-alikes', () => {
    // Rows 0 to 5 are one turntable, 6 to 9 other photos, two of them copies; groups reuse numbers of rows.
    const pairs = [pair(0, 1), pair(1, 2), pair(2, 3), pair(3, 4), pair(4, 5), pair(6, 7)]
    const groups = Int32Array.from([6, 6, 6, 3, 3, 3, 6, 6, 8, 9])
    expect(setsOf(foldGroups(all('apple', 10), pairs, groups))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ])
  })

  it('divides a chain that is most of only one of its labels', () => {
    const labels = [...all('apple', 20), ...all('pear', 4)]
    const pairs = [pair(0, 20), pair(20, 21), pair(21, 22)]
    const groups = Int32Array.from(labels, (_, row) => row)
    expect(setsOf(foldGroups(labels, pairs, groups))).toEqual([])
  })
})
