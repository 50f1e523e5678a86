/** Eigenvalues and eigenvectors of small symmetric matrices by cyclic Jacobi rotations (Golub and Van Loan, 4th ed., 8.5). */

export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array
  /** `[n, n]`, one eigenvector of length 1 in each column, in the order of the values. */
  readonly vectors: Float64Array
}

const MAX_SWEEPS = 30
/** Off-diagonal mass relative to the diagonal's that counts as none. */
const NEGLIGIBLE = 1e-22

/** Decomposes `matrix` `[n, n]`; meant for n up to a few hundred. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice()
  const v = new Float64Array(n * n)
  for (let i = 0; i < n; i++) v[i * n + i] = 1
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0
    let diagonal = 0
    for (let i = 0; i < n; i++) {
      diagonal += a[i * n + i]! ** 2
      for (let j = 0; j < i; j++) off += a[i * n + j]! ** 2
    }
    if (off <= NEGLIGIBLE * diagonal) break
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q)
    }
  }
  const order = Array.from({ length: n }, (_, index) => index)
  order.sort((i, j) => a[j * n + j]! - a[i * n + i]! || i - j)
  const vectors = new Float64Array(n * n)
  for (const [to, from] of order.entries()) {
    for (let row = 0; row < n; row++) vectors[row * n + to] = v[from * n + row]!
  }
  return { values: Float64Array.from(order, (index) => a[index * n + index]!), vectors }
}

/** Turns the axes p and q until they no longer share; `v` holds an eigenvector in each row. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!
  if (apq === 0) return
  const app = a[p * n + p]!
  const aqq = a[q * n + q]!
  const theta = (aqq - app) / (2 * apq)
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(t * t + 1)
  const sine = t * cosine
  for (let k = 0; k < n; k++) {
    const x = a[p * n + k]!
    const y = a[q * n + k]!
    a[p * n + k] = a[k * n + p] = cosine * x - sine * y
    a[q * n + k] = a[k * n + q] = sine * x + cosine * y
    const vx = v[p * n + k]!
    const vy = v[q * n + k]!
    v[p * n + k] = cosine * vx - sine * vy
    v[q * n + k] = sine * vx + cosine * vy
  }
  a[p * n + p] = app - t * apq
  a[q * n + q] = aqq + t * apq
  a[p * n + q] = a[q * n + p] = 0
}
