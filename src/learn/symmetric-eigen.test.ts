import { describe, expect, it } from 'vitest'
import { drawMatrix } from '../../test/support/drawn-rows.ts'
import golden from './golden-learn.json' with { type: 'json' }
import { createRandom } from './random.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/** Largest difference between A · V and V · Λ, and between Vᵀ · V and the identity. */
function residualsOf(matrix: ArrayLike<number>, n: number) {
  const { values, vectors } = symmetricEigen(Float64Array.from(matrix), n)
  let equation = 0
  let angles = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let image = 0
      let product = 0
      for (let k = 0; k < n; k++) {
        image += matrix[i * n + k]! * vectors[k * n + j]!
        product += vectors[k * n + i]! * vectors[k * n + j]!
      }
      equation = Math.max(equation, Math.abs(image - values[j]! * vectors[i * n + j]!))
      angles = Math.max(angles, Math.abs(product - (i === j ? 1 : 0)))
    }
  }
  return { equation, angles }
}

describe.each(golden.decompositions)('of a matrix of $name', ({ n, matrix, values }) => {
  const size = Math.max(1e-300, ...values.map(Math.abs))

  it('agrees with NumPy in the eigenvalues, largest first', () => {
    const found = symmetricEigen(Float64Array.from(matrix), n).values
    for (const [i, value] of values.entries()) {
      expect(Math.abs((found[i] ?? NaN) - value)).toBeLessThanOrEqual(1e-11 * size)
    }
  })

  it('gives eigenvectors of length 1 at right angles', () => {
    const { equation, angles } = residualsOf(matrix, n)
    expect(equation).toBeLessThan(1e-9 * Math.max(size, 1e-200))
    expect(angles).toBeLessThan(1e-12)
  })
})

it('decomposes 128 dimensions, as many as rejection has', () => {
  const n = 128
  const half = drawMatrix(createRandom(1), n, n)
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) matrix[i * n + j]! += half[i * n + k]! * half[j * n + k]!
    }
  }
  const { equation, angles } = residualsOf(matrix, n)
  expect(equation).toBeLessThan(1e-9)
  expect(angles).toBeLessThan(1e-11)
})

it('leaves its matrix as it was', () => {
  const matrix = Float64Array.of(1, 2, 2, 1)
  symmetricEigen(matrix, 2)
  expect([...matrix]).toEqual([1, 2, 2, 1])
})
