import { describe, expect, it } from 'vitest'
import { cholesky, invertLower } from './cholesky.ts'
import golden from './golden-learn.json' with { type: 'json' }

const definite = golden.decompositions.filter(({ lower }) => lower !== undefined)
const others = golden.decompositions.filter(
  ({ lower, name }) => lower === undefined && name !== 'scales far apart',
)

describe.each(definite)('of a matrix of $name', ({ n, matrix, lower = [] }) => {
  const found = cholesky(Float64Array.from(matrix), n)

  it('agrees with NumPy', () => {
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(lower[i] ?? NaN, 10)
  })

  it('is inverted', () => {
    const inverse = invertLower(found, n)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let k = 0; k < n; k++) sum += found[i * n + k]! * inverse[k * n + j]!
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9)
      }
    }
  })
})

it.each(others)('refuses a matrix that is not positive definite: $name', ({ n, matrix }) => {
  expect(() => cholesky(Float64Array.from(matrix), n)).toThrow(RangeError)
})

it('refuses what is no number', () => {
  expect(() => cholesky(Float64Array.of(Number.NaN), 1)).toThrow(/pivot 0 is NaN/)
})

it('reads the lower half alone and leaves its matrix as it was', () => {
  const matrix = Float64Array.of(4, 99, 2, 5)
  expect([...cholesky(matrix, 2)]).toEqual([2, 0, 1, 2])
  expect([...matrix]).toEqual([4, 99, 2, 5])
})
