/** The directions in which rows vary most, by subspace iteration on their covariance (Halko, Martinsson and Tropp 2011). */
import type { Gemm } from '../tensor/gemm.ts'
import { cholesky, invertLower } from './cholesky.ts'
import { createRandom } from './random.ts'

export interface PrincipalDirections {
  /** `[width]` */
  readonly mean: Float64Array
  /** `[width, count]`, columns of length 1 at right angles; they span the leading subspace, in no particular order. */
  readonly directions: Float32Array
  readonly count: number
}

/** Rounds after which the span of the leading directions no longer moves in practice. */
const ROUNDS = 8
/** A direction is dropped where what is left of it is rounding. */
const LEAST_PIVOT = 1e-10

/** Finds up to `wanted` directions of `rows` `[n, width]`. */
export async function principalDirections(
  gemm: Gemm,
  rows: Float32Array,
  width: number,
  wanted: number,
): Promise<PrincipalDirections> {
  const count = rows.length / width
  const mean = new Float64Array(width)
  for (let row = 0; row < rows.length; row += width) {
    for (let i = 0; i < width; i++) mean[i]! += rows[row + i]!
  }
  for (let i = 0; i < width; i++) mean[i]! /= count
  const centred = new Float32Array(rows.length)
  for (let row = 0; row < rows.length; row += width) {
    for (let i = 0; i < width; i++) centred[row + i] = rows[row + i]! - mean[i]!
  }
  const x = { data: centred, rows: count, columns: width }
  const covariance = await gemm.multiplyTransposedA(x, x)

  const random = createRandom(1)
  const start = Float32Array.from({ length: width * wanted }, () => random.next() - 0.5)
  let basis = await orthonormal(gemm, start, width, wanted)
  for (let round = 0; round < ROUNDS && basis.columns > 0; round++) {
    const { data } = await gemm.multiply(covariance, basis)
    basis = await orthonormal(gemm, data, width, basis.columns)
  }
  return { mean, directions: basis.data, count: basis.columns }
}

/** Columns of `[width, n]` → orthonormal columns of the same span by two rounds of Cholesky QR; columns that add nothing are dropped. */
async function orthonormal(gemm: Gemm, data: Float32Array, width: number, n: number) {
  let columns: { data: Float32Array; count: number } = normalised(data, width, n)
  for (let round = 0; round < 2; round++) {
    const a = { data: columns.data, rows: width, columns: columns.count }
    const gram = Float64Array.from((await gemm.multiplyTransposedA(a, a)).data)
    const kept = independent(gram, columns.count)
    if (kept.length < columns.count) {
      columns = pick(columns.data, width, columns.count, kept)
      round--
      continue
    }
    const inverse = invertLower(cholesky(gram, columns.count), columns.count)
    const turned = Float32Array.from(inverse)
    const { data: product } = await gemm.multiplyTransposedB(
      { data: columns.data, rows: width, columns: columns.count },
      { data: turned, rows: columns.count, columns: columns.count },
    )
    columns = { data: product, count: columns.count }
  }
  return { data: columns.data, rows: width, columns: columns.count }
}

function normalised(data: Float32Array, width: number, n: number) {
  const lengths = new Float64Array(n)
  for (let row = 0; row < data.length; row += n) {
    for (let i = 0; i < n; i++) lengths[i]! += data[row + i]! ** 2
  }
  const largest = Math.sqrt(Math.max(...lengths))
  const kept = Array.from({ length: n }, (_, i) => i).filter(
    (i) => Math.sqrt(lengths[i]!) > 1e-6 * largest && lengths[i]! > 0,
  )
  const picked = pick(data, width, n, kept)
  for (let i = 0; i < picked.data.length; i++) {
    picked.data[i]! /= Math.sqrt(lengths[kept[i % kept.length]!]!)
  }
  return picked
}

function pick(data: Float32Array, width: number, n: number, kept: readonly number[]) {
  const result = new Float32Array(width * kept.length)
  for (let row = 0; row < width; row++) {
    for (const [to, from] of kept.entries()) {
      result[row * kept.length + to] = data[row * n + from]!
    }
  }
  return { data: result, count: kept.length }
}

/** Indices of columns whose Gram matrix has a pivot that is more than rounding. */
function independent(gram: Float64Array, n: number): number[] {
  const lower = new Float64Array(n * n)
  const kept: number[] = []
  for (let i = 0; i < n; i++) {
    let pivot = gram[i * n + i]!
    for (const j of kept) {
      let sum = gram[i * n + j]!
      for (const k of kept) {
        if (k >= j) break
        sum -= lower[i * n + k]! * lower[j * n + k]!
      }
      lower[i * n + j] = sum / lower[j * n + j]!
      pivot -= lower[i * n + j]! ** 2
    }
    if (pivot <= LEAST_PIVOT) continue
    lower[i * n + i] = Math.sqrt(pivot)
    kept.push(i)
  }
  return kept
}
