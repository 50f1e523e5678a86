import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawMatrix } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import golden from './golden-learn.json' with { type: 'json' }
import { type PrincipalDirections, principalDirections } from './principal-directions.ts'
import { createRandom } from './random.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(1)
})
afterAll(() => gemm.close())

/** aᵀ · b of `[width, m]` and `[width, n]`, in double precision. */
function products(a: ArrayLike<number>, m: number, b: ArrayLike<number>, n: number): Float64Array {
  const result = new Float64Array(m * n)
  for (let row = 0; row < a.length / m; row++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) result[i * n + j]! += a[row * m + i]! * b[row * n + j]!
    }
  }
  return result
}

function expectRightAngles({ directions, count }: PrincipalDirections): void {
  const angles = products(directions, count, directions, count)
  const errors = angles.map((value, index) => Math.abs(value - (index % (count + 1) === 0 ? 1 : 0)))
  expect(Math.max(...errors)).toBeLessThan(1e-5)
}

/** Rows that vary less and less from column to column, around 1. */
const drawFalling = (rows: number, width: number, decay: number) =>
  drawMatrix(createRandom(3), rows, width).map((value, i) => value * decay ** (i % width) + 1)

describe.each(golden.directions)('with NumPy on $name', (given) => {
  const { rows, width, count, decay } = given

  it('spans the same space', async () => {
    const found = await principalDirections(gemm, drawFalling(rows, width, decay), width, count)
    expect(found.count).toBe(count)
    expectRightAngles(found)
    const cosines = products(found.directions, count, given.directions, count)
    // The squared cosines of the angles between two spaces are the eigenvalues of M · Mᵀ.
    const squares = new Float64Array(count * count)
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        for (let k = 0; k < count; k++) {
          squares[i * count + j]! += cosines[i * count + k]! * cosines[j * count + k]!
        }
      }
    }
    expect(Math.min(...symmetricEigen(squares, count).values)).toBeGreaterThan(1 - 1e-3)
  })

  it('gives the mean', async () => {
    const x = drawFalling(rows, width, decay)
    const { mean } = await principalDirections(gemm, x, width, count)
    for (let i = 0; i < width; i++) {
      let sum = 0
      for (let row = 0; row < rows; row++) sum += x[row * width + i]!
      expect(mean[i]).toBeCloseTo(sum / rows, 10)
    }
  })
})

describe('directions', () => {
  it.each([
    ['as many as columns', 200, 30, 30, 0.99],
    ['as many as a rejection has', 300, 160, 128, 0.99],
    ['of a spectrum that falls by a million', 100, 20, 20, 0.48],
  ])('stand at right angles: %s', async (_words, rows, width, wanted, decay) => {
    const found = await principalDirections(gemm, drawFalling(rows, width, decay), width, wanted)
    expect(found.count).toBeGreaterThan(wanted / 3)
    expectRightAngles(found)
  })

  it('are no more than there are where rows span few', async () => {
    const width = 40
    const base = drawMatrix(createRandom(1), 3, width)
    const mix = drawMatrix(createRandom(2), 60, 3)
    const rows = new Float32Array(60 * width)
    for (let row = 0; row < 60; row++) {
      for (let i = 0; i < width; i++) {
        for (let k = 0; k < 3; k++)
          rows[row * width + i]! += mix[row * 3 + k]! * base[k * width + i]!
      }
    }
    const found = await principalDirections(gemm, rows, width, 20)
    expectRightAngles(found)
    expect(found.count).toBe(3)
  })

  it.each([
    ['zero', 0],
    ['one number', 0.1],
  ])('are none where every row is %s', async (_words, value) => {
    const found = await principalDirections(gemm, new Float32Array(10 * 8).fill(value), 8, 4)
    expect(found.count).toBe(0)
    expect(found.directions).toHaveLength(0)
  })

  it('are the same every time', async () => {
    const find = () => principalDirections(gemm, drawFalling(50, 12, 0.9), 12, 4)
    expect(await find()).toEqual(await find())
  })
})
