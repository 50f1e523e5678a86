import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawMatrix } from '../../test/support/drawn-rows.ts'
import { type Gemm, type Matrix, openGemm } from './gemm.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(2)
})
afterAll(() => gemm.close())

let seed = 1
const draw = (rows: number, columns: number): Matrix => ({
  data: drawMatrix(seed++, rows, columns),
  rows,
  columns,
})

function transpose({ data, rows, columns }: Matrix): Matrix {
  const turned = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!
  }
  return { data: turned, rows: columns, columns: rows }
}

function multiplyByHand(a: Matrix, b: Matrix): Float64Array {
  const product = new Float64Array(a.rows * b.columns)
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++) {
        product[i * b.columns + j]! += a.data[i * a.columns + k]! * b.data[k * b.columns + j]!
      }
    }
  }
  return product
}

function expectProduct(found: Matrix, a: Matrix, b: Matrix): void {
  expect([found.rows, found.columns]).toEqual([a.rows, b.columns])
  const byHand = multiplyByHand(a, b)
  expect(found.data).toHaveLength(byHand.length)
  const errors = byHand.map((value, i) => Math.abs(value - found.data[i]!))
  expect(Math.max(0, ...errors)).toBeLessThan(1e-5 * Math.max(1, a.columns))
}

describe.each([
  [1, 1, 1],
  [3, 5, 2],
  [17, 33, 65],
  [2, 200, 1],
  [1, 1, 40],
  [0, 4, 3],
])('products of [%d, %d] and [%d]', (rows, inner, columns) => {
  const a = draw(rows, inner)
  const b = draw(inner, columns)

  it('are right, whichever side is transposed', async () => {
    expectProduct(await gemm.multiply(a, b), a, b)
    expectProduct(await gemm.multiplyTransposedA(transpose(a), b), a, b)
    expectProduct(await gemm.multiplyTransposedB(a, transpose(b)), a, b)
  })
})

it('refuses matrices that do not fit', async () => {
  await expect(gemm.multiply(draw(2, 3), draw(4, 2))).rejects.toThrow()
  await expect(gemm.multiply({ ...draw(2, 3), rows: 5 }, draw(3, 2))).rejects.toThrow()
})

it('leaves its inputs and earlier products as they were', async () => {
  const a = draw(4, 4)
  const before = a.data.slice()
  const first = await gemm.multiply(a, a)
  const kept = first.data.slice()
  await gemm.multiply(draw(4, 4), draw(4, 4))
  expect(a.data).toEqual(before)
  expect(first.data).toEqual(kept)
})
