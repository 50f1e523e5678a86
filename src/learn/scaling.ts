/**
 * How features are brought to one scale before a head sees them.
 *
 * A head is trained on `(transform(x) − centre) / spread`; centre and spread are linear and are folded into its matrix
 * afterwards, so that serving computes `transform(x) · W + b`.
 */

/**
 * - `standard`: each feature divided by its deviation; folds completely, so `transform` is the identity.
 * - `unit`: each photo's features divided by their length.
 * - `root`: square roots of the features, then divided by their length (Arandjelović and Zisserman 2012, RootSIFT).
 */
export const SCALINGS = ['unit', 'root', 'standard'] as const
export type Scaling = (typeof SCALINGS)[number]

/**
 * The part of a scaling that is not linear: `features` `[n, width]` → `[n, width]`, in `result`, which may be `features`.
 * `standard` has no such part: its result is `features` themselves.
 */
export function transformFeatures(
  features: Float32Array,
  width: number,
  scaling: Scaling,
  result: Float32Array = new Float32Array(features.length),
): Float32Array {
  if (scaling === 'standard') return features
  for (let row = 0; row < features.length; row += width) {
    let squares = 0
    for (let i = row; i < row + width; i++) {
      const value = scaling === 'root' ? Math.sqrt(Math.max(0, features[i]!)) : features[i]!
      result[i] = value
      squares += value * value
    }
    const length = Math.sqrt(squares) || 1
    for (let i = row; i < row + width; i++) result[i] = result[i]! / length
  }
  return result
}

/** What `transform(x)` is centred and divided by, fitted on the rows of the training side. */
export interface LinearScale {
  /** `[width]` */
  readonly centre: Float64Array
  /** `[width]`, all above 0. */
  readonly spread: Float64Array
}

/** Features that never vary carry nothing: they are left small instead of blown up. */
const LEAST_SHARE = 1e-3

/** Fits centre and spread on transformed features `[n, width]`, so that a scaled row has a mean squared length of 1. */
export function fitLinearScale(
  transformed: Float32Array,
  width: number,
  scaling: Scaling,
): LinearScale {
  const count = transformed.length / width
  const centre = new Float64Array(width)
  const squares = new Float64Array(width)
  for (let start = 0; start < transformed.length; start += width) {
    for (let i = 0; i < width; i++) centre[i]! += transformed[start + i]!
  }
  for (let i = 0; i < width; i++) centre[i]! /= count
  for (let start = 0; start < transformed.length; start += width) {
    for (let i = 0; i < width; i++) squares[i]! += (transformed[start + i]! - centre[i]!) ** 2
  }
  const deviations = squares.map((sum) => Math.sqrt(sum / count))
  const total = Math.sqrt(deviations.reduce((sum, deviation) => sum + deviation * deviation, 0))
  const typical = total / Math.sqrt(width) || 1
  const spread =
    scaling === 'standard'
      ? deviations.map((deviation) => Math.max(deviation, LEAST_SHARE * typical) * Math.sqrt(width))
      : new Float64Array(width).fill(total || 1)
  return { centre, spread }
}

/** Scales transformed features `[n, width]` in place. */
export function applyLinearScale(
  transformed: Float32Array,
  width: number,
  { centre, spread }: LinearScale,
): void {
  for (let row = 0; row < transformed.length; row += width) {
    for (let i = 0; i < width; i++) {
      transformed[row + i] = (transformed[row + i]! - centre[i]!) / spread[i]!
    }
  }
}
