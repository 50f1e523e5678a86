/** What a training says while it runs. */
import type { Finding } from '../datasets/findings.ts'
import type { FeaturizeContext } from '../features/featurize-photos.ts'
import type { QuantizationFigures } from '../features/quantize-backbone.ts'
import type { View } from '../features/views.ts'
import type { Trial } from '../learn/head-setting.ts'
import type { ModeDecision } from './choose-mode.ts'
import type { TuneChoice } from './fine-tune/choose-settings.ts'
import type { TuneSettings } from './fine-tune/tune-settings.ts'
import type { Sides } from './plan-sides.ts'
import type { PreparedDataset } from './prepare-dataset.ts'
import type { Judgement, TuningEpoch } from './report.ts'

/** What happens, in the order in which it happens. */
export type TrainEvent =
  | { readonly stage: 'mode'; readonly decision: ModeDecision }
  | { readonly stage: 'features'; readonly views: readonly View[]; readonly photos: number }
  | { readonly stage: 'photo' }
  | {
      readonly stage: 'featurized'
      readonly computed: number
      readonly reused: number
      readonly damaged: number
    }
  | { readonly stage: 'sides'; readonly prepared: PreparedDataset; readonly sides: Sides }
  | { readonly stage: 'step'; readonly trial: Trial | undefined }
  | { readonly stage: 'quantizing' }
  | {
      readonly stage: 'quantized'
      readonly figures: QuantizationFigures
      /** Why float32 is kept; undefined where 8 bit is taken. */
      readonly refusal: string | undefined
    }
  | { readonly stage: 'doubting' }
  /** Photos whose label is probably wrong, and how many more are so less surely. */
  | { readonly stage: 'doubted'; readonly findings: readonly Finding[]; readonly lessSure: number }
  | { readonly stage: 'start-tuning' }
  /** Another process fine-tunes the same in the same home. */
  | { readonly stage: 'tuning-waits' }
  /** Steps and looks, to tell what a time budget has room for. */
  | { readonly stage: 'observing' }
  | { readonly stage: 'measuring' }
  | {
      readonly stage: 'tuning'
      readonly choice: TuneChoice
      /** Steps that a run which was killed has done. */
      readonly done: number
      /** Photos that are learned from. */
      readonly photos: number
      /** Photos that judge each epoch, and what frozen features reach on them. */
      readonly validationPhotos: number
      readonly baseline: Judgement
      /** Why a checkpoint that was found is of no use; undefined where there was none, or where it is of use. */
      readonly fault: string | undefined
    }
  /** Of one batch. */
  | { readonly stage: 'tuning-step'; readonly loss: number; readonly accuracy: number }
  | {
      /** Steps take longer than was measured: there are fewer. */
      readonly stage: 'tuning-shortened'
      readonly settings: TuneSettings
      readonly done: number
    }
  | {
      readonly stage: 'tuning-epoch'
      readonly figures: TuningEpoch
      /** Whether it would be kept if it were the last one. */
      readonly isKept: boolean
    }
  /** What a run that is stopped now goes on from. */
  | { readonly stage: 'tuning-kept'; readonly steps: number }
  | {
      readonly stage: 'tuned'
      /** The step at which a number was none and the fine-tuning ended; undefined where there was none. */
      readonly divergedAt: number | undefined
      /** Why the head on frozen features is kept; undefined where the fine-tuned network is taken. */
      readonly refusal: string | undefined
    }

export interface TrainContext extends Omit<FeaturizeContext, 'onProgress'> {
  onEvent?(event: TrainEvent): void
}
