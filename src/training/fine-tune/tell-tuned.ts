/** A fine-tuning in words, for the report. */
import type { Judgement } from './judge-candidate.ts'
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

/** What was done, and what came of it. */
export function tellTuned(
  { epochs, divergedAt }: Tuned,
  best: number,
  { trainFrom, size }: TuneSettings,
  { learn, validation }: TuneSides,
  baseline: Judgement,
): string[] {
  const reached = epochs.find(({ epoch }) => epoch === best)?.validation.accuracy ?? 0
  return [
    `Fine-tuned from ${trainFrom} on at ${size} pixels with ${learn.length} photos: epoch ${best} of ${epochs.length} was the best of ${percent(reached)} on ${validation.length} photos that judge, where frozen features reach ${percent(baseline.accuracy)}.`,
    ...(divergedAt === undefined
      ? []
      : [
          `At step ${divergedAt} the loss, its gradient or an answer was no number: what came before it was kept.`,
        ]),
  ]
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
