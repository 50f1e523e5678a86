/**
 * Tells photos that are none of the labels by the place of their features among those of the training photos:
 * relative Mahalanobis distance (Ren et al. 2021) on features of length 1 (Mahalanobis++, Müller and Hein 2025), in the
 * leading principal directions.
 *
 * The coordinates are chosen so that photos scatter around their label's mean by the identity and around the common mean
 * by a diagonal matrix; then the distance of `z` is `min over labels ‖z − meanₖ‖² − Σ zᵢ² / backgroundᵢ`.
 *
 * The shrunken scatter around the labels' means is part of that around the common mean too, so no background is below 1:
 * a direction in which training photos hardly vary, as near copies leave behind, makes no photo look familiar.
 */
import type { Gemm } from '../tensor/gemm.ts'
import { cholesky, invertLower } from './cholesky.ts'
import { gatherRows } from './gather-rows.ts'
import { type PrincipalDirections, principalDirections } from './principal-directions.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/** Most coordinates that a distance looks at. */
export const MAX_REJECTION_DIMENSIONS = 128

export interface RejectionModel {
  readonly width: number
  readonly dimensions: number
  /** `[width, dimensions]`, applied to features of length 1. */
  readonly projection: Float32Array
  /** `[dimensions]`, where the mean of all photos is projected to. */
  readonly centre: Float32Array
  /** `[labels, dimensions]`, relative to `centre`. */
  readonly means: Float32Array
  /** `[dimensions]`, variance around the common mean. */
  readonly background: Float32Array
}

/** Share of a round covariance that is mixed in: labels have few photos and many dimensions. */
const SHRINKAGE = 0.1

/** Rows in the directions that a distance looks at. */
export interface ProjectedRows {
  readonly width: number
  readonly basis: PrincipalDirections
  /** `[directions]`, where the mean of the rows that chose the directions is projected to. */
  readonly origin: Float64Array
  /** `[n, directions]`, relative to `origin`. */
  readonly z: Float32Array
}

/**
 * Projects `unit` `[n, width]` (rows of length 1) on the leading directions of `rows`. Gives undefined where fewer than
 * three rows or one direction remain.
 */
export async function projectRows(
  gemm: Gemm,
  unit: Float32Array,
  width: number,
  rows: readonly number[],
): Promise<ProjectedRows | undefined> {
  const wanted = Math.min(MAX_REJECTION_DIMENSIONS, rows.length - 1, width)
  if (wanted < 2) return undefined
  const basis = await principalDirections(gemm, gatherRows(unit, width, rows), width, wanted)
  const { mean, directions, count } = basis
  if (count < 1) return undefined
  const z = await project(gemm, unit, width, directions, count)
  const origin = projectOne(mean, directions, count)
  for (let i = 0; i < z.length; i++) z[i]! -= origin[i % count]!
  return { width, basis, origin, z }
}

/** Fits on `rows` of projected rows with labels `[n]` below `classes`; undefined where there are fewer than three. */
export async function fitRejection(
  gemm: Gemm,
  { width, basis, origin, z: all }: ProjectedRows,
  labels: Int32Array,
  classes: number,
  rows: readonly number[],
): Promise<RejectionModel | undefined> {
  if (rows.length < 3) return undefined
  const { directions, count: dims } = basis
  const z = gatherRows(all, dims, rows)
  const rowLabels = Int32Array.from(rows, (row) => labels[row]!)
  const means = labelMeans(z, dims, rowLabels, classes)
  const total = await scatter(gemm, z, dims, () => 0)
  const within = await scatter(gemm, z, dims, (row, i) => means[rowLabels[row]! * dims + i]!)
  const between = total.map((value, index) => value - within[index]!)
  shrink(within, dims)
  // Simultaneous diagonalisation: whiten by the scatter within labels, then turn to the axes of that between them.
  const whitener = invertLower(cholesky(within, dims), dims)
  const { values, vectors } = symmetricEigen(conjugate(whitener, between, dims), dims)
  const turn = multiply(transpose(vectors, dims), whitener, dims) // [dims, dims]: z → coordinates
  const { data: projection } = await gemm.multiplyTransposedB(
    { data: directions, rows: width, columns: dims },
    { data: Float32Array.from(turn), rows: dims, columns: dims },
  )
  const apply = (vector: (i: number) => number) =>
    Float32Array.from({ length: dims }, (_, to) => {
      let sum = 0
      for (let from = 0; from < dims; from++) sum += turn[to * dims + from]! * vector(from)
      return sum
    })
  const turnedMeans = new Float32Array(classes * dims)
  for (let c = 0; c < classes; c++)
    turnedMeans.set(
      apply((i) => means[c * dims + i]!),
      c * dims,
    )
  return {
    width,
    dimensions: dims,
    projection,
    centre: apply((i) => origin[i]!),
    means: turnedMeans,
    background: Float32Array.from(values, (value) => 1 + Math.max(0, value)),
  }
}

/** Distances `[n]` of `unit` `[n, width]`; the larger, the stranger. */
export async function rejectionDistances(
  gemm: Gemm,
  model: RejectionModel,
  unit: Float32Array,
): Promise<Float64Array> {
  const { width, dimensions } = model
  const z = await project(gemm, unit, width, model.projection, dimensions)
  const distances = new Float64Array(unit.length / width)
  for (let row = 0; row < distances.length; row++) {
    distances[row] = distanceOf(z.subarray(row * dimensions, (row + 1) * dimensions), model)
  }
  return distances
}

export interface RejectionPlace {
  /** The larger, the stranger. */
  readonly distance: number
  /** `[dimensions]`, before `centre` is taken off. */
  readonly z: Float64Array
}

/** Place of one photo with features of length 1, `[width]`. */
export function placeOf(unit: Float32Array, model: RejectionModel): RejectionPlace {
  const { dimensions, projection } = model
  const z = new Float64Array(dimensions)
  for (let i = 0; i < unit.length; i++) {
    const value = unit[i]!
    if (value === 0) continue
    for (let to = 0; to < dimensions; to++) z[to]! += value * projection[i * dimensions + to]!
  }
  return { distance: distanceOf(z, model), z }
}

/** `z` is `[dimensions]`, before the centre is taken off. */
function distanceOf(
  z: Float32Array | Float64Array,
  { dimensions, centre, means, background }: RejectionModel,
): number {
  let common = 0
  for (let i = 0; i < dimensions; i++) common += (z[i]! - centre[i]!) ** 2 / background[i]!
  let nearest = Number.POSITIVE_INFINITY
  for (let start = 0; start < means.length; start += dimensions) {
    let sum = 0
    for (let i = 0; i < dimensions; i++) sum += (z[i]! - centre[i]! - means[start + i]!) ** 2
    if (sum < nearest) nearest = sum
  }
  return nearest - common
}

async function project(
  gemm: Gemm,
  features: Float32Array,
  width: number,
  projection: Float32Array,
  dims: number,
): Promise<Float32Array> {
  const { data } = await gemm.multiply(
    { data: features, rows: features.length / width, columns: width },
    { data: projection, rows: width, columns: dims },
  )
  return data
}

function projectOne(vector: Float64Array, projection: Float32Array, dims: number): Float64Array {
  const result = new Float64Array(dims)
  for (let i = 0; i < vector.length; i++) {
    for (let to = 0; to < dims; to++) result[to]! += vector[i]! * projection[i * dims + to]!
  }
  return result
}

/** Means `[classes, dims]`; those of labels without photos lie far away from everything. */
function labelMeans(
  z: Float32Array,
  dims: number,
  labels: Int32Array,
  classes: number,
): Float64Array {
  const means = new Float64Array(classes * dims)
  const counts = new Int32Array(classes)
  for (const [row, label] of labels.entries()) {
    counts[label]!++
    for (let i = 0; i < dims; i++) means[label * dims + i]! += z[row * dims + i]!
  }
  for (let c = 0; c < classes; c++) {
    for (let i = 0; i < dims; i++) {
      means[c * dims + i] = counts[c] === 0 ? 1e6 : means[c * dims + i]! / counts[c]!
    }
  }
  return means
}

/** Covariance `[dims, dims]` around what `meanOf` gives for each row. */
async function scatter(
  gemm: Gemm,
  z: Float32Array,
  dims: number,
  meanOf: (row: number, i: number) => number,
): Promise<Float64Array> {
  const rows = z.length / dims
  const centred = new Float32Array(z.length)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < dims; i++) centred[row * dims + i] = z[row * dims + i]! - meanOf(row, i)
  }
  const matrix = { data: centred, rows, columns: dims }
  const { data } = await gemm.multiplyTransposedA(matrix, matrix)
  // Rounding may leave the two halves apart by a bit.
  return Float64Array.from(
    { length: dims * dims },
    (_, at) => (data[at]! + data[(at % dims) * dims + Math.floor(at / dims)]!) / (2 * rows),
  )
}

function shrink(matrix: Float64Array, n: number): void {
  let trace = 0
  for (let i = 0; i < n; i++) trace += matrix[i * n + i]!
  const round = trace / n || 1e-6
  for (let i = 0; i < n * n; i++) matrix[i] = (1 - SHRINKAGE) * matrix[i]!
  for (let i = 0; i < n; i++) matrix[i * n + i]! += SHRINKAGE * round
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const value = a[i * n + k]!
      for (let j = 0; j < n; j++) product[i * n + j]! += value * b[k * n + j]!
    }
  }
  return product
}

function transpose(a: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n)
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) result[j * n + i] = a[i * n + j]!
  return result
}

/** a · m · aᵀ */
const conjugate = (a: Float64Array, m: Float64Array, n: number): Float64Array =>
  multiply(multiply(a, m, n), transpose(a, n), n)
