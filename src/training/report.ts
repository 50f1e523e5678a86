/** The data behind `report.html` and `report.json`: what was measured, and the photos that show it. */
import type { FindingKind } from '../datasets/findings.ts'
import type * as calibration from '../learn/calibration.ts'
import type * as intervals from '../learn/confidence-interval.ts'
import type * as metrics from '../learn/metrics.ts'

/** A share with its 95 % interval, all 0 to 1. */
export type Interval = intervals.Interval
export type ReliabilityBin = calibration.ReliabilityBin
export type RejectionPoint = calibration.RejectionPoint
export type LabelFigures = metrics.LabelFigures & { readonly label: string }

/** A photo that the report shows. */
export interface ReportPhoto {
  readonly path: string
  /** Index into `labels`; -1 where the label of the photo is not one of the model's. */
  readonly actual: number
  readonly predicted: number
  /** Probability of `predicted`, 0 to 1. */
  readonly score: number
  readonly decision: 'ok' | 'unsure' | 'unknown'
  /** JPEG of at most 96 pixels a side as a `data:` URL; absent where it could not be made. */
  readonly thumbnail?: string
}

/** One non-empty cell of the confusion matrix. */
export interface ConfusionCell {
  readonly actual: number
  readonly predicted: number
  readonly count: number
  /** Indices into `photos`, at most a dozen. */
  readonly photos: readonly number[]
}

export interface ReportModel {
  /** `fruits/v1`, or the start of the bundle's id. */
  readonly name: string
  readonly bundle: string
  readonly backbone: string
  /** e.g. `224 px` or `224 and 320 px, mirrored`. */
  readonly views: string
}

/** What a network is worth on the photos that judge a fine-tuning. */
export interface Judgement {
  readonly accuracy: number
  /** Mean −log p of the label after the best temperature. */
  readonly loss: number
}

export interface TuningEpoch {
  /** Times that the photos had passed by, to a tenth: with a time budget not always whole. */
  readonly epoch: number
  /** Of the photos that were learned from since the judgement before, changed, with the target smoothed, uphill of the weights. */
  readonly loss: number
  readonly accuracy: number
  readonly validation: Judgement
}

/** A fine-tuning: what learned, and how it went. */
export interface TuningReport {
  /** The backbone as it was, and its first block or layer that learned. */
  readonly backbone: string
  readonly trainFrom: string
  /** Whether what comes before it computed in 8 bit meanwhile. */
  readonly isRounded: boolean
  /** Side of the photos in pixels. */
  readonly size: number
  /** Photos that were learned from, and those that judged each epoch. */
  readonly photos: number
  readonly validationPhotos: number
  readonly batchSize: number
  /** As planned; fewer may have been enough. */
  readonly epochsPlanned: number
  readonly schedule: {
    readonly peak: number
    readonly steps: number
    readonly warmUpSteps: number
  }
  readonly epochs: readonly TuningEpoch[]
  /** What frozen features are worth on the same photos. */
  readonly baseline: Judgement
  /** Absent where every epoch was less accurate than the baseline or had a higher loss: frozen features stay. */
  readonly keptEpoch?: number
  /** The step, from 1, at which a number was none and the fine-tuning ended; absent where there was none. */
  readonly divergedAt?: number
  readonly pace: {
    /** Steps that an earlier run had done, whose time nobody knows. */
    readonly resumedAfter: number
    /** Of the steps alone; 0 where none was left to do. */
    readonly photosPerSecond: number
    /** With the judging of epochs. */
    readonly elapsedMs: number
  }
}

/** Two models on the same photos (McNemar 1947). */
export interface Comparison {
  readonly other: ReportModel
  readonly otherAccuracy: Interval
  readonly bothRight: number
  readonly onlyThisRight: number
  readonly onlyOtherRight: number
  readonly bothWrong: number
  /** Two-sided exact p-value. */
  readonly pValue: number
  /** Labels that were measured, largest change of recall first. */
  readonly perLabel: readonly {
    readonly label: string
    readonly photos: number
    readonly recall: number
    readonly otherRecall: number
  }[]
  readonly otherCalibration: Omit<Calibration, 'bins' | 'binsBefore'>
  readonly otherRejection: readonly RejectionPoint[]
  readonly otherDecisions: Decisions
  /** Photos that this model alone has right, surest first, and those that the other alone has; at most two dozen each. */
  readonly gained: readonly ChangedPhoto[]
  readonly lost: readonly ChangedPhoto[]
}

/** A photo that one of two models has right. */
export interface ChangedPhoto {
  /** Index into `photos`, which has what this model says. */
  readonly photo: number
  /** What the other says, with its probability. */
  readonly otherPredicted: string
  readonly otherScore: number
}

/** Photos by decision. */
export interface Decisions {
  readonly ok: number
  readonly unsure: number
  readonly unknown: number
}

export interface Calibration {
  readonly temperature: number
  /** Expected calibration error with 15 bins before and after the temperature. */
  readonly eceBefore: Interval
  readonly eceAfter: Interval
  /** What as many photos show in the mean where every score after the temperature is true; absent in older reports. */
  readonly eceByChance?: number
  readonly bins: readonly ReliabilityBin[]
  readonly binsBefore: readonly ReliabilityBin[]
}

export interface EvaluationReport {
  readonly kind: 'evaluation'
  readonly format: 1
  readonly vergerVersion: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly model: ReportModel
  readonly dataset: {
    readonly name: string
    readonly id: string
    /** Photos that were measured. */
    readonly photos: number
    /** How they were chosen: `the test side that the dataset brings`. */
    readonly choice: string
    /** Things a reader must know before believing the figures, e.g. photos the model was trained on. */
    readonly cautions: readonly string[]
  }
  readonly labels: readonly string[]
  readonly accuracy: Interval
  readonly macroF1: number
  readonly topK: { readonly k: number; readonly accuracy: number }
  readonly calibration: Calibration
  readonly rejection: readonly RejectionPoint[]
  readonly decisions: Decisions
  readonly perLabel: readonly LabelFigures[]
  readonly confusion: readonly ConfusionCell[]
  readonly photos: readonly ReportPhoto[]
  /** Indices into `photos`: wrong answers, surest first. */
  readonly confidentErrors: readonly number[]
  readonly comparison?: Comparison
  readonly training?: {
    readonly photos: number
    readonly seed: number
    readonly scaling: string
    /** L2 strength on the mean loss; 0 where none was applied. */
    readonly l2: number
    /** What cross-validation tried. */
    readonly tried: readonly {
      readonly scaling: string
      readonly l2: number
      readonly accuracy: number
      readonly loss: number
    }[]
    /** Sentences about the split, e.g. the leak that it avoided. */
    readonly notes: readonly string[]
    /** Where the upper part of the network learned too, or tried to. */
    readonly tuning?: TuningReport
  }
}

/** Photos as a fine-tuning sees them: what `verger train --preview` writes. */
export interface PreviewReport {
  readonly kind: 'preview'
  readonly format: 1
  readonly vergerVersion: string
  readonly createdAt: string
  readonly dataset: { readonly name: string; readonly photos: number; readonly labels: number }
  readonly backbone: string
  readonly seed: number
  /** Side of the network in pixels. */
  readonly size: number
  /** A photo of each label that is shown. */
  readonly rows: readonly {
    readonly label: string
    readonly path: string
    /** The whole photo at the side of the network, as `data:` URL. */
    readonly original: string
    /** The same as the first epochs see it. */
    readonly epochs: readonly string[]
  }[]
}

/** A contact sheet of what `verger datasets check` found. */
export interface DatasetReport {
  readonly kind: 'dataset'
  readonly format: 1
  readonly vergerVersion: string
  readonly createdAt: string
  readonly dataset: {
    readonly name: string
    readonly id: string
    readonly photos: number
    readonly sizeBytes: number
  }
  readonly labels: readonly {
    readonly label: string
    readonly photos: number
    /** A few of its photos. */
    readonly thumbnails: readonly string[]
  }[]
  readonly findings: readonly {
    readonly kind: FindingKind
    readonly message: string
    readonly photos: readonly {
      readonly path: string
      readonly label: string
      readonly thumbnail?: string
    }[]
  }[]
}
