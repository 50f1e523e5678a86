/** Nearest centroids as a linear classifier, for labels with a handful of photos (Snell, Swersky and Zemel 2017). */
import type { LinearHead, TrainingRows } from './softmax-regression.ts'

/**
 * Inverse temperature. Scaled rows have a mean squared length of 1, so squared distances lie between 0 and 4; this makes
 * scores of them before a temperature is fitted, and where none can be.
 */
const SHARPNESS = 10

/**
 * −SHARPNESS · ‖x − mₖ‖² up to what all classes share: W = SHARPNESS · 2 mₖ, b = −SHARPNESS · ‖mₖ‖². `rowWeights` `[n]`
 * weigh the photos of a mean; a class without any is never answered.
 */
export function centroidHead(
  { features, width, labels, classes }: TrainingRows,
  rowWeights: Float32Array,
): LinearHead {
  const weights = new Float32Array(width * classes)
  const totals = new Float32Array(classes)
  for (const [row, label] of labels.entries()) {
    const weight = rowWeights[row]!
    if (weight === 0) continue
    totals[label]! += weight
    for (let i = 0; i < width; i++) {
      weights[i * classes + label]! += weight * features[row * width + i]!
    }
  }
  const bias = new Float32Array(classes)
  for (let i = 0; i < width; i++) {
    for (let c = 0; c < classes; c++) {
      const mean = totals[c] === 0 ? 0 : weights[i * classes + c]! / totals[c]!
      weights[i * classes + c] = SHARPNESS * 2 * mean
      bias[c]! -= SHARPNESS * mean * mean
    }
  }
  for (let c = 0; c < classes; c++) if (totals[c] === 0) bias[c] = -1e4
  return { weights, bias }
}
