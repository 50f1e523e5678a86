/** How far a fine-tuning has come, as data that a checkpoint holds; and when it is over. */
import type { Judgement, TuningEpoch } from '../report.ts'
import type { TuneSettings } from './tune-settings.ts'

export interface TuneProgress {
  /** Steps that are done. */
  readonly steps: number
  readonly epochs: readonly TuningEpoch[]
  /** Of those no worse than the baseline on the validation photos, in accuracy and loss, the epoch of least loss there. */
  readonly bestEpoch: number | undefined
  /** Over the steps since the judgement before. */
  readonly sum: { readonly steps: number; readonly loss: number; readonly correct: number }
}

const NOTHING: TuneProgress['sum'] = { steps: 0, loss: 0, correct: 0 }

export const BEGINNING: TuneProgress = {
  steps: 0,
  epochs: [],
  bestEpoch: undefined,
  sum: NOTHING,
}

/**
 * Epochs without a better one after which it is over, as a share of all and at least. Much, since many a network becomes
 * better only as the rate falls.
 */
const PATIENCE_SHARE = 0.7
const LEAST_PATIENCE = 4
/** Steps between two judgements at least: an epoch of few photos is over at once. */
const JUDGED_STEPS = 10
/** To judge one takes time: of many epochs so many are judged. */
const MOST_JUDGED = 8

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

/** Adds what the validation photos say, and compares it with the best so far. */
export function addJudgement(
  { steps, epochs, bestEpoch, sum }: TuneProgress,
  validation: Judgement,
  baseline: Judgement,
  { batchSize, photos }: Passing,
): TuneProgress {
  const figures: TuningEpoch = {
    epoch: Math.max(1, epochsIn(steps, { batchSize, photos })),
    loss: sum.loss / sum.steps,
    accuracy: sum.correct / (sum.steps * batchSize),
    validation,
  }
  const least = epochs.find(({ epoch }) => epoch === bestEpoch)?.validation.loss
  // Few photos may be right by chance; the loss tells that from knowing.
  const isNoWorse = validation.accuracy >= baseline.accuracy && validation.loss <= baseline.loss
  const isBest = isNoWorse && (least === undefined || validation.loss < least)
  return {
    steps,
    epochs: [...epochs, figures],
    bestEpoch: isBest ? figures.epoch : bestEpoch,
    sum: NOTHING,
  }
}

export interface Passing {
  readonly batchSize: number
  /** Photos that pass by in an epoch. */
  readonly photos: number
}

/** Epochs that are over after so many steps. */
const epochsIn = (steps: number, { batchSize, photos }: Passing): number =>
  Math.floor((steps * batchSize) / photos)

/** Every so many epochs one is judged, counted back from the last. */
export const judgedEvery = (epochs: number): number => Math.ceil(epochs / MOST_JUDGED)

/** Whether an epoch that is judged has ended with the last step, or the last one of all is done. */
export function isDue(
  { steps, sum }: TuneProgress,
  { schedule, epochs }: TuneSettings,
  passing: Passing,
): boolean {
  if (steps === schedule.steps) return true
  const ended = epochsIn(steps, passing)
  const isEnd = ended > epochsIn(steps - 1, passing)
  return isEnd && sum.steps >= JUDGED_STEPS && (epochs - ended) % judgedEvery(epochs) === 0
}

/** Whether all steps are done, or no epoch has been better for long. */
export function isOver(
  { steps, epochs, bestEpoch }: TuneProgress,
  { schedule, epochs: all }: TuneSettings,
): boolean {
  const patience = Math.max(LEAST_PATIENCE, Math.ceil(PATIENCE_SHARE * all))
  return (
    steps >= schedule.steps ||
    (bestEpoch !== undefined && (epochs.at(-1)?.epoch ?? 0) - bestEpoch >= patience)
  )
}
