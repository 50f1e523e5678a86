/** A fine-tuning for the report: as data, in words what was chosen, and as a reason where it came to nothing. */
import { formatDuration } from '../../core/durations.ts'
import type { Finding } from '../../datasets/findings.ts'
import type { Judgement, TuningReport } from '../report.ts'
import type { TooLittle, TuneChoice } from './choose-settings.ts'
import type { Tuned } from './tune.ts'
import type { TuneSides } from './tune-sides.ts'

/** Why frozen features stay, where every epoch was worse. */
export function tellRefusal(
  { epochs, divergedAt }: Tuned,
  baseline: Judgement,
  photos: number,
): string {
  if (divergedAt !== undefined) {
    return `at step ${divergedAt} the loss, its gradient or an answer was no number, and every epoch before it was worse than the frozen features`
  }
  const [best] = epochs
    .map(({ validation }) => validation)
    .toSorted((one, other) => other.accuracy - one.accuracy)
  if (best === undefined) return 'there was no time to judge an epoch'
  const say = ({ accuracy, loss }: Judgement) =>
    `${percent(accuracy)} with a loss of ${loss.toFixed(2)}`
  return `fine-tuned, it reaches ${say(best)} on the ${photos} photos that judge, the frozen features ${say(baseline)}`
}

/** What was done, and how it went. `backbone` is the id of the one that it started from. */
export const describeTuning = (
  { settings, isRounded, epochs, best, divergedAt, pace }: Tuned,
  backbone: string,
  { learn, validation }: TuneSides,
  baseline: Judgement,
): TuningReport => ({
  ...{ backbone, epochs, pace },
  trainFrom: settings.trainFrom,
  isRounded,
  size: settings.size,
  batchSize: settings.batchSize,
  epochsPlanned: settings.epochs,
  schedule: settings.schedule,
  photos: learn.length,
  validationPhotos: validation.length,
  baseline: { accuracy: baseline.accuracy, loss: baseline.loss },
  ...(best === undefined ? {} : { keptEpoch: best.epoch }),
  ...(divergedAt === undefined ? {} : { divergedAt }),
})

/** What was chosen for a time budget and why, e.g. `from block9 on, 256 px, 14 epochs: about …`; undefined without one. */
export function describeChoice({ settings, budget }: TuneChoice): string | undefined {
  if (budget === undefined) return undefined
  const { trainFrom, size, epochs } = settings
  const { ms, estimatedMs, photosPerSecond } = budget
  return `from ${trainFrom} on, ${size} px, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}: about ${formatDuration(estimatedMs)} of ${formatDuration(ms)} at ${photosPerSecond.toFixed(0)} photos/s measured`
}

/** Why frozen features stay, where there is no time for one epoch. */
export function tellTooLittle({ neededMs, budgetMs }: TooLittle, photos: number): string {
  const minutes = Math.ceil((1.1 * neededMs) / 60_000)
  return `one epoch of ${photos} photos would be over after ${formatDuration(neededMs)}, and the time budget is ${formatDuration(budgetMs)}; --time-budget ${minutes}m would do`
}

/** As many as a reader looks through; the others are in what `--json` prints. */
const DOUBTS_TOLD = 12

/** Photos that were not learned from, in one sentence. */
export function tellDoubts(findings: readonly Finding[]): string {
  const told = findings
    .slice(0, DOUBTS_TOLD)
    .map(({ paths, message }) => `${paths[0]} (${message})`)
  const more = findings.length - told.length
  return `Labels that are probably wrong, and were not learned from: ${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
