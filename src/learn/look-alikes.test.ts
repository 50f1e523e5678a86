import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawLabelled, drawMatrix, unitRows } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import { groupLookAlikes } from './look-alikes.ts'
import type { SimilarPair } from './near-duplicates.ts'
import { createRandom } from './random.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(1)
})
afterAll(() => gemm.close())

const WIDTH = 12

const drawUnit = (seed: number, rows: number) =>
  unitRows(drawMatrix(createRandom(seed), rows, WIDTH), WIDTH)

const pair = (first: number, second: number, cosine = 0.97): SimilarPair => ({
  first,
  second,
  cosine,
})

const group = (unit: Float32Array, labels: readonly number[], pairs: readonly SimilarPair[]) =>
  groupLookAlikes(gemm, unit, WIDTH, Int32Array.from(labels), Math.max(...labels) + 1, pairs, 1)

const countGroups = (groups: Int32Array, rows: readonly number[]) =>
  new Set(rows.map((row) => groups[row])).size

describe('groupLookAlikes', () => {
  it('divides a label into at least five groups where it has five photos', async () => {
    for (const count of [5, 6, 40]) {
      const { groups } = await group(drawUnit(count, count), new Array(count).fill(0), [])
      expect(countGroups(groups, [...groups.keys()])).toBe(5)
    }
    const { groups } = await group(drawUnit(3, 3), [0, 0, 0], [])
    expect(countGroups(groups, [0, 1, 2])).toBe(3)
  })

  it('groups no photos of different labels where none are near duplicates', async () => {
    const labels = Array.from({ length: 60 }, (_, row) => row % 3)
    const { groups, parted } = await group(drawUnit(1, 60), labels, [])
    const labelOf = new Map<number, number>()
    for (const [row, each] of groups.entries()) {
      expect(labelOf.get(each) ?? labels[row]).toBe(labels[row])
      labelOf.set(each, labels[row] ?? -1)
    }
    expect(parted).toBe(0)
  })

  it('joins near duplicates, within a label and across labels', async () => {
    const labels = Array.from({ length: 60 }, (_, row) => (row < 30 ? 0 : 1))
    const unit = drawUnit(2, 60)
    const { groups: before } = await group(unit, labels, [])
    const sizeOf = (row: number) => before.filter((each) => each === before[row]).length
    // Two rows of each label whose clusters are small enough to be joined.
    const small = [...labels.keys()].filter((row) => sizeOf(row) <= 6)
    const [a, b] = [small.find((row) => row < 30), small.find((row) => row >= 30)]
    const { groups, parted } = await group(unit, labels, [pair(a ?? -1, b ?? -1)])
    expect(groups[a ?? -1]).toBe(groups[b ?? -2])
    expect(parted).toBe(0)
  })

  it('takes named groups that span labels as they are named, and groups the other photos by their looks', async () => {
    const labels = Int32Array.from({ length: 60 }, (_, row) => row % 3)
    const named = Int32Array.from(labels, (_, row) => (row < 42 ? row % 7 : -1))
    const { groups } = await groupLookAlikes(gemm, drawUnit(4, 60), WIDTH, labels, 3, [], 1, named)
    const rows = [...groups.keys()]
    for (let name = 0; name < 7; name++) {
      const own = rows.filter((row) => named[row] === name)
      expect(countGroups(groups, own)).toBe(1)
    }
    const [among, beside] = [rows.slice(0, 42), rows.slice(42)]
    expect(countGroups(groups, among)).toBe(7)
    expect(countGroups(groups, beside)).toBe(15)
    expect(countGroups(groups, rows)).toBe(22)
  })

  it('parts a turntable, whose frames are one chain, instead of making one group of a label', async () => {
    // 40 frames, each like its neighbours.
    const frames = 40
    const turning = new Float32Array(frames * WIDTH)
    for (let frame = 0; frame < frames; frame++) {
      turning[frame * WIDTH] = Math.cos((2 * Math.PI * frame) / frames)
      turning[frame * WIDTH + 1] = Math.sin((2 * Math.PI * frame) / frames)
    }
    const pairs = Array.from({ length: frames - 1 }, (_, frame) => pair(frame, frame + 1, 0.98))
    const { groups, parted } = await group(turning, new Array(frames).fill(0), pairs)
    expect(countGroups(groups, [...groups.keys()])).toBeGreaterThan(1)
    expect(parted).toBeGreaterThan(0)
    const parting = pairs.filter(({ first, second }) => groups[first] !== groups[second])
    expect(parting).toHaveLength(parted)
  })

  it('repeats itself', async () => {
    const { features, labels } = drawLabelled(5, { rows: 50, width: WIDTH, classes: 2, skill: 1 })
    const unit = unitRows(features, WIDTH)
    const once = await groupLookAlikes(gemm, unit, WIDTH, labels, 2, [pair(1, 3)], 7)
    expect(await groupLookAlikes(gemm, unit, WIDTH, labels, 2, [pair(1, 3)], 7)).toEqual(once)
  })

  it('leaves labels without photos out', async () => {
    const { groups } = await groupLookAlikes(
      gemm,
      drawUnit(1, 4),
      WIDTH,
      Int32Array.of(3, 3, 0, 3),
      5,
      [],
      1,
    )
    expect(groups).toHaveLength(4)
  })
})
