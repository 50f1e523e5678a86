/** What a network should answer, as one row per photo. */

export interface TargetOptions {
  readonly classes: number
  /** Share of a target that is spread over all classes alike. */
  readonly labelSmoothing: number
  /** How much a photo of each class counts, about 1 on average; all alike where it is left out. */
  readonly classWeights?: Float32Array
}

/**
 * Targets `[photos, classes]` of labels: 1 − s + s / k at the class of a photo and s / k elsewhere, times the weight of
 * its class. RangeError naming the first label that is no class.
 */
export function targetsOf(
  labels: ArrayLike<number>,
  { classes, labelSmoothing, classWeights }: TargetOptions,
): Float32Array {
  const targets = new Float32Array(labels.length * classes)
  const elsewhere = labelSmoothing / classes
  for (let photo = 0; photo < labels.length; photo++) {
    const label = labels[photo]!
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(
        `Expected a label from 0 to ${classes - 1}, received ${label} for photo ${photo}`,
      )
    }
    const weight = classWeights?.[label] ?? 1
    targets.fill(elsewhere * weight, photo * classes, (photo + 1) * classes)
    targets[photo * classes + label] = (1 - labelSmoothing + elsewhere) * weight
  }
  return targets
}
