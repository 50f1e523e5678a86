import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawMatrix, unitRows } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import { findSimilarPairs, type SimilarPair } from './near-duplicates.ts'
import { createRandom } from './random.ts'
import { UnionFind } from './union-find.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(1)
})
afterAll(() => gemm.close())

const WIDTH = 6

const pairsHold = (pairs: readonly SimilarPair[], least: number, count: number): number[] => {
  const chains = new UnionFind(count)
  for (const { first, second, cosine } of pairs) if (cosine >= least) chains.join(first, second)
  return smallest(chains, count)
}

/** Every pair, one by one, in double precision; chains as the smallest row of each. */
function chainsByHand(unit: Float32Array, least: number): number[] {
  const count = unit.length / WIDTH
  const chains = new UnionFind(count)
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      if (cosineOf(unit, a, b) >= least) chains.join(a, b)
    }
  }
  return smallest(chains, count)
}

function cosineOf(unit: Float32Array, a: number, b: number): number {
  let sum = 0
  for (let i = 0; i < WIDTH; i++) sum += unit[a * WIDTH + i]! * unit[b * WIDTH + i]!
  return sum
}

function smallest(chains: UnionFind, count: number): number[] {
  const first = new Map<number, number>()
  return Array.from({ length: count }, (_, row) => {
    const root = chains.find(row)
    if (!first.has(root)) first.set(root, row)
    return first.get(root) ?? -1
  })
}

describe('findSimilarPairs', () => {
  it.each([
    ['one block', 300, 0.97],
    ['three blocks and their borders', 4200, 0.9995],
  ])(
    'finds the chains that comparing each with each finds, in %s',
    async (_words, count, least) => {
      const unit = unitRows(drawMatrix(createRandom(count), count, WIDTH), WIDTH)
      // Copies on both sides of a border of blocks.
      for (const [from, to] of [
        [2047, 2048],
        [0, 4095],
        [4095, 4096],
        [10, 4199],
      ] as const) {
        if (to < count) unit.copyWithin(to * WIDTH, from * WIDTH, (from + 1) * WIDTH)
      }
      const pairs = await findSimilarPairs(gemm, unit, WIDTH, least)
      const chains = new UnionFind(count)
      for (const { first, second, cosine } of pairs) {
        expect(first).toBeLessThan(second)
        expect(cosine).toBeCloseTo(cosineOf(unit, first, second), 5)
        expect(chains.find(first)).not.toBe(chains.find(second))
        chains.join(first, second)
      }
      const byHand = chainsByHand(unit, least)
      expect(smallest(chains, count)).toEqual(byHand)
      expect(new Set(byHand).size).toBeLessThan(count)
      expect(pairs).toHaveLength(count - new Set(byHand).size)
      const inOrder = [...pairs].sort((a, b) => a.first - b.first || a.second - b.second)
      expect(pairs).toEqual(inOrder)
    },
  )

  it('keeps the most similar pairs of a chain, also of those that come late', async () => {
    const angles = [0, 16.3, 18] // The second and third are much more alike than either is to the first.
    const unit = new Float32Array(angles.length * WIDTH)
    for (const [row, degrees] of angles.entries()) {
      unit[row * WIDTH] = Math.cos((degrees / 180) * Math.PI)
      unit[row * WIDTH + 1] = Math.sin((degrees / 180) * Math.PI)
    }
    const pairs = await findSimilarPairs(gemm, unit, WIDTH, 0.95)
    expect(pairs.map(({ first, second }) => [first, second])).toEqual([
      [0, 1],
      [1, 2],
    ])
  })

  it('holds together what any larger cosine would', async () => {
    const unit = unitRows(drawMatrix(createRandom(5), 400, WIDTH), WIDTH)
    const pairs = await findSimilarPairs(gemm, unit, WIDTH, 0.9)
    for (const least of [0.92, 0.95, 0.98]) {
      expect(pairsHold(pairs, least, 400)).toEqual(chainsByHand(unit, least))
    }
  })

  it('says when each block is done', async () => {
    let blocks = 0
    const unit = unitRows(drawMatrix(createRandom(1), 4100, WIDTH), WIDTH)
    await findSimilarPairs(gemm, unit, WIDTH, 2, () => blocks++)
    expect(blocks).toBe(6)
  })

  it('links photos that are all the same by one pair less than there are', async () => {
    const same = new Float32Array(50 * WIDTH)
    for (let row = 0; row < 50; row++) same[row * WIDTH] = 1
    expect(await findSimilarPairs(gemm, same, WIDTH, 0.95)).toHaveLength(49)
  })

  it('finds nothing among no rows, one row, and rows of zeros', async () => {
    for (const rows of [0, 1, 20]) {
      expect(await findSimilarPairs(gemm, new Float32Array(rows * WIDTH), WIDTH, 0.95)).toEqual([])
    }
  })
})
