/** A fine-tuning for the report: as data, and as a reason where it came to nothing. */
import type { Judgement, TuningReport } from '../report.ts'
import type { Tuned } from './tune.ts'
import type { TuneSettings } from './tune-settings.ts'
import type { TuneSides } from './tune-sides.ts'

/** Why frozen features stay, where no epoch was as accurate. */
export function tellRefusal(
  { epochs, divergedAt }: Tuned,
  { accuracy }: Judgement,
  photos: number,
): string {
  const reached = epochs.reduce((most, { validation }) => Math.max(most, validation.accuracy), 0)
  if (divergedAt !== undefined) {
    return `at step ${divergedAt} the loss, its gradient or an answer was no number, and no epoch before it was as accurate as the frozen features`
  }
  return `fine-tuned, it reaches ${percent(reached)} on the ${photos} photos that judge, the frozen features ${percent(accuracy)}`
}

/** What was done, and how it went. `backbone` is the id of the one that it started from. */
export const describeTuning = (
  { epochs, best, divergedAt, pace }: Tuned,
  backbone: string,
  { trainFrom, size, batchSize, epochs: epochsPlanned, schedule }: TuneSettings,
  { learn, validation }: TuneSides,
  baseline: Judgement,
): TuningReport => ({
  ...{ backbone, trainFrom, size, batchSize, epochsPlanned, schedule, epochs, pace },
  photos: learn.length,
  validationPhotos: validation.length,
  baseline: { accuracy: baseline.accuracy, loss: baseline.loss },
  ...(best === undefined ? {} : { keptEpoch: best.epoch }),
  ...(divergedAt === undefined ? {} : { divergedAt }),
})

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
