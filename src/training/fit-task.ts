/** What crosses to the thread that computes, and what comes back. */
import type { HeadSetting, Trial } from '../learn/head-setting.ts'
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
  /** What a split by chance would have reported on the training side; undefined where nothing was divided. */
  readonly accuracyByChance: number | undefined
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

/** Trains heads on frozen features from which a fine-tuning starts, and which it has to beat. */
export interface StartTuningTask extends FeatureRows {
  readonly kind: 'start-tuning'
  readonly groups: Int32Array
  /** Rows to learn from, and those that judge. */
  readonly learn: readonly number[]
  readonly validation: readonly number[]
  /** How the head on frozen features is trained. */
  readonly setting: HeadSetting
}

export interface StartTuningResult {
  /** For features as they are: where the fine-tuning starts. */
  readonly head: LinearHead
  /** `[validation, classes]`, of the head on frozen features. */
  readonly frozenLogits: Float32Array
}

/** Fits thresholds to a head that was trained elsewhere, and measures it. */
export interface JudgeTunedTask extends FeatureRows {
  readonly kind: 'judge-tuned'
  /** For features as they are. */
  readonly head: LinearHead
  readonly learn: readonly number[]
  readonly validation: readonly number[]
  readonly measured: readonly number[]
}

export type ComputeTask = GroupTask | FitTask | CrossPredictTask | StartTuningTask | JudgeTunedTask

/** Sent now and then: a step of a minimiser, or a setting that was judged. */
export interface ComputeReport {
  readonly trial?: Trial
}
