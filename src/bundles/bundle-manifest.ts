/**
 * `bundle.json`: what a bundle is. Its SHA-256 is the bundle's id, so everything that changes an answer is named in it,
 * and nothing else: no time, no path, no report.
 */
import type { View } from '../features/views.ts'
import type { Scaling } from '../learn/scaling.ts'

/** As `unknownAbove`: no distance was fitted, so no photo is unknown. */
export const NEVER_UNKNOWN = Number.MAX_VALUE

export interface BundleManifest {
  readonly format: 1
  readonly backbone: {
    readonly id: string
    /** Hash of the weights file. */
    readonly sha256: string
    /** Hash of the definition of preprocessing. */
    readonly preprocessing: string
    /** What is computed of each photo; the features are their mean. */
    readonly views: readonly View[]
    readonly features: number
    readonly licence: string
  }
  /** Names of the classes in the order of the logits. */
  readonly labels: readonly string[]
  readonly head: {
    readonly scaling: Scaling
    /** What logits are divided by before the softmax. */
    readonly temperature: number
    /** Probability below which the answer is `unsure`. */
    readonly unsureBelow: number
    /** Distance from the training photos above which the answer is `unknown`. */
    readonly unknownAbove: number
  }
  /** What the head learned from; absent where the classifier was imported. */
  readonly training?: {
    /** Id of the dataset version. */
    readonly dataset: string
    readonly photos: number
    readonly photosPerLabel: readonly number[]
    readonly seed: number
    readonly l2: number
  }
  /** Where a classifier comes from that was made elsewhere; absent where it was trained. */
  readonly imported?: {
    /** Hash of the file or folder that was read. */
    readonly sha256: string
    /** Its format in words. */
    readonly readAs: string
    /** What was recognised and replaced. */
    readonly notes: readonly string[]
  }
  /** The other files of the bundle. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly sizeBytes: number }>>
}
