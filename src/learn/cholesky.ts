/** Factorises small symmetric positive definite matrices. */

/** Lower triangular L `[n, n]` with L · Lᵀ = `matrix`. Throws a RangeError where the matrix is not positive definite. */
export function cholesky(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j]!
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum)
      else throw new RangeError(`Expected a positive definite matrix, pivot ${i} is ${sum}`)
    }
  }
  return lower
}

/** Inverse of a lower triangular matrix `[n, n]`. */
export function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n)
  for (let column = 0; column < n; column++) {
    inverse[column * n + column] = 1 / lower[column * n + column]!
    for (let i = column + 1; i < n; i++) {
      let sum = 0
      for (let k = column; k < i; k++) sum -= lower[i * n + k]! * inverse[k * n + column]!
      inverse[i * n + column] = sum / lower[i * n + i]!
    }
  }
  return inverse
}
