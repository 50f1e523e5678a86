/** What crosses to the thread that computes, and what comes back. */
import type { Trial } from '../learn/head-setting.ts'
import type { SimilarPair } from '../learn/near-duplicates.ts'
import type { RejectionModel } from '../learn/rejection.ts'
import type { LinearHead } from '../learn/softmax-regression.ts'

export interface FeatureRows {
  /** `[n, width]`, in shared memory. */
  readonly features: Float32Array
  readonly width: number
  /** `[n]`, each below `classes`. */
  readonly labels: Int32Array
  readonly classes: number
  readonly seed: number
  readonly threads: number
}

/** Finds near duplicates and look-alikes. */
export interface GroupTask extends FeatureRows {
  readonly kind: 'group'
  /** `[n]` groups that the dataset names, by number; −1 where it names none. */
  readonly named: Int32Array
}

export interface GroupResult {
  readonly pairs: readonly SimilarPair[]
  readonly groups: Int32Array
  readonly parted: number
}

/** Trains a head on some rows and measures it on others. */
export interface FitTask extends FeatureRows {
  readonly kind: 'fit'
  readonly groups: Int32Array
  /** Rows to learn from. */
  readonly train: readonly number[]
  /** Rows to measure with. */
  readonly measured: readonly number[]
  /** Rows for the head that is kept, once it has been measured. */
  readonly final: readonly number[]
}

export interface Thresholds {
  readonly temperature: number
  readonly unsureBelow: number
  readonly unknownAbove: number
}

export interface FitResult {
  readonly chosen: Trial
  readonly trials: readonly Trial[]
  readonly head: LinearHead
  readonly rejection: RejectionModel | undefined
  readonly thresholds: Thresholds
  /** Those of the head that was measured. */
  readonly measuredThresholds: Thresholds
  /** Answers of the head that was trained without them: `[measured, classes]` and `[measured]`. */
  readonly measuredLogits: Float32Array
  readonly measuredDistances: Float64Array
  /** What a split by chance would have reported on the training side. */
  readonly accuracyByChance: number
}

/** Asks heads about photos that they did not see. */
export interface CrossPredictTask extends FeatureRows {
  readonly kind: 'cross-predict'
  readonly groups: Int32Array
}

export interface CrossPredictResult {
  readonly choice: Trial
  /** Rows that were held out once, and their logits `[rows, classes]`. */
  readonly rows: readonly number[]
  readonly logits: Float32Array
}

export type ComputeTask = GroupTask | FitTask | CrossPredictTask

/** Sent now and then: a step of a minimiser, or a setting that was judged. */
export interface ComputeReport {
  readonly trial?: Trial
}
