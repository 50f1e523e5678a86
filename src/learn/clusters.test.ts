import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawLabelled, unitRows } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import { clusterRows } from './clusters.ts'
import { createRandom } from './random.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(1)
})
afterAll(() => gemm.close())

const WIDTH = 16
const BLOBS = 4

/** Four sessions far from each other, taking turns. */
function drawBlobs(seed: number, rows = 80) {
  const drawn = drawLabelled(seed, { rows, width: WIDTH, classes: BLOBS, skill: 8 })
  return { unit: unitRows(drawn.features, WIDTH), blobs: drawn.labels }
}

const all = (count: number) => Array.from({ length: count }, (_, row) => row)

describe('clusterRows', () => {
  it('finds sessions that are far apart, whatever the seed', async () => {
    const { unit, blobs } = drawBlobs(4)
    for (let seed = 0; seed < 20; seed++) {
      const clusters = await clusterRows(gemm, unit, WIDTH, all(80), BLOBS, createRandom(seed))
      const pairs = new Set([...clusters].map((cluster, row) => `${cluster} ${blobs[row]}`))
      expect(pairs.size).toBe(BLOBS)
    }
  })

  it('repeats itself for a seed', async () => {
    const { unit } = drawBlobs(5)
    const cluster = () => clusterRows(gemm, unit, WIDTH, all(80), 7, createRandom(3))
    expect(await cluster()).toEqual(await cluster())
  })

  it('looks at the rows that it is asked about, in their order', async () => {
    const { unit, blobs } = drawBlobs(6)
    const rows = [70, 3, 1, 7, 4, 66, 11, 9, 8]
    const clusters = await clusterRows(gemm, unit, WIDTH, rows, BLOBS, createRandom(1))
    expect(clusters).toHaveLength(rows.length)
    for (const [a, rowA] of rows.entries()) {
      for (const [b, rowB] of rows.entries()) {
        expect(clusters[a] === clusters[b]).toBe(blobs[rowA] === blobs[rowB])
      }
    }
  })

  it('gives each row its own cluster where there are no more rows than clusters', async () => {
    const { unit } = drawBlobs(7)
    for (const count of [1, 2, 5]) {
      const clusters = await clusterRows(gemm, unit, WIDTH, all(count), 5, createRandom(2))
      expect(new Set(clusters).size).toBe(count)
    }
  })

  it('puts rows that are the same into one cluster', async () => {
    const { unit } = drawBlobs(8, 4)
    const rows = all(30)
    const repeated = new Float32Array(30 * WIDTH)
    for (const row of rows) {
      repeated.set(unit.subarray((row % 3) * WIDTH, ((row % 3) + 1) * WIDTH), row * WIDTH)
    }
    const clusters = await clusterRows(gemm, repeated, WIDTH, rows, 5, createRandom(1))
    for (const row of rows) expect(clusters[row]).toBe(clusters[row % 3])
    expect(new Set(clusters).size).toBe(3)
  })

  it.each([
    ['zero', 0],
    ['the same', 1 / Math.sqrt(WIDTH)],
  ])('ends where every row is %s', async (_words, value) => {
    const rows = new Float32Array(10 * WIDTH).fill(value)
    expect(new Set(await clusterRows(gemm, rows, WIDTH, all(10), 3, createRandom(1))).size).toBe(1)
  })
})
