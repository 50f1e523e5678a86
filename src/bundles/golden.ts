/** Answers that a bundle remembers and must give again wherever it is loaded. */
import { VergerError } from '../core/errors.ts'
import { decodeSafetensors, encodeSafetensors } from '../tensor/safetensors.ts'
import type { FloatTensor } from '../tensor/tensor.ts'
import type { Classifier } from './classifier.ts'
import type { BundleFiles } from './verify-bundle.ts'

/** Name of the file that holds them. */
export const GOLDEN_FILE = 'golden.safetensors'

/** Largest difference of a probability that another processor's rounding explains. */
export const GOLDEN_TOLERANCE = 1e-4
/** Smallest cosine between the features of the probe photo here and where the bundle was made. */
export const GOLDEN_COSINE = 0.999

/** Features to replay, `[n, width]`, and those of the probe photo, `[width]`. */
export interface GoldenInputs {
  readonly features: Float32Array
  readonly probe: Float32Array
}

/** Lets a classifier answer and encodes what it said. */
export function encodeGolden(
  classifier: Classifier,
  { features, probe }: GoldenInputs,
): Uint8Array {
  const width = classifier.manifest.backbone.features
  const count = features.length / width
  const labels = classifier.labels.length
  const probabilities = new Float32Array(count * labels)
  for (let row = 0; row < count; row++) {
    const answer = classifier.classify(features.subarray(row * width, (row + 1) * width))
    probabilities.set(answer.probabilities, row * labels)
  }
  return encodeSafetensors({
    features: { type: 'F32', dims: [count, width], data: features },
    probabilities: { type: 'F32', dims: [count, labels], data: probabilities },
    probe: { type: 'F32', dims: [width], data: probe },
  })
}

/** Replays the remembered features. Throws `bundle_self_test_failed` or `bundle_damaged`. */
export function checkGolden(classifier: Classifier, files: BundleFiles): void {
  const golden = readGolden(files)
  const features = golden.get('features')
  const expected = golden.get('probabilities')
  if (features === undefined || expected === undefined) {
    throw new VergerError(
      'bundle_damaged',
      `Expected features and probabilities in ${GOLDEN_FILE}, received ${[...golden.keys()].join(', ') || 'nothing'}`,
      { hint: 'Train the bundle again.' },
    )
  }
  const [count = 0, width = 0] = features.dims
  const labels = classifier.labels.length
  for (let row = 0; row < count; row++) {
    const { probabilities } = classifier.classify(
      features.data.subarray(row * width, (row + 1) * width),
    )
    for (const [label, received] of probabilities.entries()) {
      const wanted = expected.data[row * labels + label] ?? Number.NaN
      if (Math.abs(received - wanted) <= GOLDEN_TOLERANCE) continue
      throw new VergerError(
        'bundle_self_test_failed',
        `Expected probability ${wanted} for ${classifier.labels[label]} of golden row ${row}, received ${received}`,
        { hint: 'The bundle is not safe to use here; train it again on this machine.' },
      )
    }
  }
}

/** Compares the features of the probe photo with the remembered ones. Throws `bundle_self_test_failed`. */
export function checkProbe(files: BundleFiles, received: Float32Array): void {
  const expected = readGolden(files).get('probe')?.data
  const cosine = expected === undefined ? Number.NaN : cosineOf(expected, received)
  if (cosine >= GOLDEN_COSINE) return
  throw new VergerError(
    'bundle_self_test_failed',
    `Expected features of the probe photo with a cosine of at least ${GOLDEN_COSINE} to those of the bundle, received ${cosine}`,
    { hint: 'verger doctor tells whether the backbone is as published.' },
  )
}

function readGolden(files: BundleFiles): ReadonlyMap<string, FloatTensor> {
  try {
    return decodeSafetensors(files.get(GOLDEN_FILE) ?? new Uint8Array())
  } catch (error) {
    throw new VergerError(
      'bundle_damaged',
      `Expected tensors in ${GOLDEN_FILE}: ${String(error)}`,
      {
        hint: 'Copy the bundle again from where it came.',
        cause: error,
      },
    )
  }
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let product = 0
  let aSquares = 0
  let bSquares = 0
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0
    product += value * other
    aSquares += value * value
    bSquares += other * other
  }
  return product / Math.sqrt(aSquares * bSquares)
}
