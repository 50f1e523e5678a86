/** How far a fine-tuning has come, as data that a checkpoint holds; and when it is over. */
import type { Judgement, TuningEpoch } from '../report.ts'
import { stepsOf, type TuneSettings } from './tune-settings.ts'

export interface TuneProgress {
  /** Steps that are done. */
  readonly steps: number
  readonly epochs: readonly TuningEpoch[]
  /** Of those no worse than the baseline on the validation photos, in accuracy and loss, the last about as good as the best. */
  readonly keptEpoch: number | undefined
  /** Over the steps since the judgement before. */
  readonly sum: { readonly steps: number; readonly loss: number; readonly correct: number }
}

const NOTHING: TuneProgress['sum'] = { steps: 0, loss: 0, correct: 0 }

export const BEGINNING: TuneProgress = {
  steps: 0,
  epochs: [],
  keptEpoch: undefined,
  sum: NOTHING,
}

/**
 * Epochs without a better one after which it is over, as a share of all and at least. Much, since many a network becomes
 * better only as the rate falls.
 */
const PATIENCE_SHARE = 0.7
const LEAST_PATIENCE = 4
/** Steps and epochs between two judgements at least: an epoch of few photos is over at once. */
const JUDGED_STEPS = 10
const JUDGED_EPOCHS = 0.5
/**
 * A loss this many times the least is as good: that of a few hundred photos wavers so, and new photos have more from late
 * epochs, of a low rate (docs/decisions/0030).
 */
const WAVERING = 1.05
/** So is one this much above it: where all of few photos are right, less than that is no difference. */
const LEAST_WAVERING = 0.01

/** Counts a step: its mean loss, and the photos that it had right. */
export const addStep = (
  progress: TuneProgress,
  { loss, correct }: { readonly loss: number; readonly correct: number },
): TuneProgress => ({
  ...progress,
  steps: progress.steps + 1,
  sum: {
    steps: progress.sum.steps + 1,
    loss: progress.sum.loss + loss,
    correct: progress.sum.correct + correct,
  },
})

/** Adds what the validation photos say, and whether that epoch is kept. */
export function addJudgement(
  { steps, epochs, keptEpoch, sum }: TuneProgress,
  validation: Judgement,
  baseline: Judgement,
  { settings, photos }: Passing,
): TuneProgress {
  const figures: TuningEpoch = {
    epoch: epochAt(steps, { settings, photos }) ?? settings.epochs,
    loss: sum.loss / sum.steps,
    accuracy: sum.correct / (sum.steps * settings.batchSize),
    validation,
  }
  // Few photos may be right by chance; the loss tells that from knowing.
  const isNoWorse = ({ accuracy, loss }: Judgement) =>
    accuracy >= baseline.accuracy && loss <= baseline.loss
  const eligible = epochs.map((epoch) => epoch.validation).filter(isNoWorse)
  const least = Math.min(...eligible.map(({ loss }) => loss))
  const isKept =
    isNoWorse(validation) && validation.loss <= Math.max(WAVERING * least, least + LEAST_WAVERING)
  return {
    steps,
    epochs: [...epochs, figures],
    keptEpoch: isKept ? figures.epoch : keptEpoch,
    sum: NOTHING,
  }
}

export interface Passing {
  readonly settings: TuneSettings
  /** Photos that pass by in an epoch. */
  readonly photos: number
}

/** The epoch with the last step of which a judgement is due, to a tenth; undefined for every other step. */
function epochAt(steps: number, { settings, photos }: Passing): number | undefined {
  const { schedule, epochs, judgedEvery, batchSize } = settings
  if (steps >= schedule.steps) return epochs
  const before = Math.round((epochs - (steps * batchSize) / photos) / judgedEvery)
  const epoch = Math.round(10 * (epochs - before * judgedEvery)) / 10
  return before > 0 && steps === stepsOf(epoch, photos) ? epoch : undefined
}

/** Whether the photos that judge are asked after the last step. */
export function isDue({ steps, epochs, sum }: TuneProgress, passing: Passing): boolean {
  const { settings, photos } = passing
  const epoch = epochAt(steps, passing)
  if (epoch === undefined) return false
  // Where the end was put off until a judgement, little has changed since.
  if (steps >= settings.schedule.steps) return epoch !== epochs.at(-1)?.epoch
  return sum.steps >= Math.max(JUDGED_STEPS, stepsOf(JUDGED_EPOCHS, photos))
}

/** Whether all steps are done, or no epoch has been better for long. */
export function isOver(
  { steps, epochs, keptEpoch }: TuneProgress,
  { schedule, epochs: all }: TuneSettings,
): boolean {
  const patience = Math.max(LEAST_PATIENCE, Math.ceil(PATIENCE_SHARE * all))
  return (
    steps >= schedule.steps ||
    (keptEpoch !== undefined && (epochs.at(-1)?.epoch ?? 0) - keptEpoch >= patience)
  )
}
