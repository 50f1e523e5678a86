/** What fits into a span of time: how deep, how closely and how often a network learns. Pure numbers. */
import type { Network } from '../../tensor/network.ts'
import {
  type Depth,
  firstToLearn,
  learnedSide,
  leastEpochs,
  leastJudgedEvery,
  stepsOf,
  type TuneSettings,
  UPHILL_SHARE,
} from './tune-settings.ts'

/**
 * Shares of the multiplications in the part that learns, from cheap to dear, each with the epochs from which on it is taken
 * (docs/decisions/0029).
 */
const LADDER = [
  { share: 0.37, epochs: 1 },
  { share: 0.64, epochs: 3 },
] as const
/** More would be of no use. */
const MOST_EPOCHS = 12
/** Share of the time that judging takes at most, unless the last epoch alone takes more. */
const JUDGED_SHARE = 0.1
/** Share of the time that is planned with: the rest is for what a measurement of seconds cannot tell. */
const PLANNED_SHARE = 0.92

export interface Rung extends Depth {
  /** Epochs for which there must be time. */
  readonly leastEpochs: number
}

/** Ways to fine-tune a network whose answers are given at `side` pixels, from cheap to dear. */
export function planLadder(network: Network, side: number): Rung[] {
  const size = learnedSide(network, side)
  const rungs = LADDER.map(({ share, epochs }) => ({
    ...firstToLearn(network, share),
    ...{ size, leastEpochs: epochs },
  }))
  return rungs.filter(
    ({ trainFrom }, place) => rungs.findIndex((rung) => rung.trainFrom === trainFrom) === place,
  )
}

/**
 * Cost of a photo in a step: all of the network forward; what learns twice more, for inputs and weights; and all three of
 * that once more for the photos that show the way uphill.
 */
export const costOf = ({ shareBehind }: Pick<Depth, 'shareBehind'>): number =>
  1 + (2 + 3 * UPHILL_SHARE) * shareBehind

export interface BudgetQuestion {
  /** From cheap to dear. */
  readonly ladder: readonly Rung[]
  /** Photos that are learned from. */
  readonly photos: number
  /** What a photo of a step took on one of the rungs. */
  readonly measured: { readonly depth: Depth; readonly msPerPhoto: number }
  /** For an epoch to be judged. */
  readonly judgeMs: number
  /** Until the last epoch has to be over. */
  readonly leftMs: number
}

export interface Fitting {
  readonly depth: Rung
  readonly epochs: number
  /** Epochs from one judgement to the next. */
  readonly judgedEvery: number
  readonly photosPerSecond: number
  /** Until the last epoch is over. */
  readonly tuneMs: number
}

export type BudgetAnswer =
  | Fitting
  /** Of one epoch of what costs least: more than there is. */
  | { readonly neededMs: number }

/** The dearest rung for which there is time enough, else the cheapest with as many epochs as there is time for. */
export function planBudget({
  ladder,
  photos,
  measured,
  judgeMs,
  leftMs,
}: BudgetQuestion): BudgetAnswer {
  const options = ladder.map((depth) => {
    const msPerPhoto = (measured.msPerPhoto * costOf(depth)) / costOf(measured.depth)
    const epochMs = photos * msPerPhoto
    const everyOf = (epochs: number) =>
      Math.max(leastJudgedEvery(epochs), Math.ceil(judgeMs / (JUDGED_SHARE * epochMs)))
    const tuneMs = (epochs: number) =>
      epochs * epochMs + Math.ceil(epochs / everyOf(epochs)) * judgeMs
    const enough = Math.max(depth.leastEpochs, leastEpochs(photos))
    const fits = (tenths: number) => tuneMs(tenths / 10) <= PLANNED_SHARE * leftMs
    let tenths = 10 * Math.max(MOST_EPOCHS, Math.ceil(enough))
    while (tenths >= 10 && !fits(tenths)) tenths--
    const epochs = tenths / 10
    return { depth, msPerPhoto, tuneMs, enough, epochs, judgedEvery: everyOf(epochs) }
  })
  const best = options.findLast(({ epochs, enough }) => epochs >= enough) ?? options[0]
  if (best === undefined) throw new RangeError('Expected a rung, received none')
  const { depth, msPerPhoto, epochs, judgedEvery, tuneMs } = best
  if (epochs < 1) return { neededMs: Math.ceil(tuneMs(1) / PLANNED_SHARE) }
  return {
    ...{ depth, epochs, judgedEvery, photosPerSecond: 1000 / msPerPhoto },
    tuneMs: tuneMs(epochs),
  }
}

export interface Pace {
  readonly stepMs: number
  readonly judgeMs: number
  /** Until the last epoch has to be over. */
  readonly leftMs: number
}

/**
 * The settings with fewer steps where steps take longer than was measured, so that the rate still falls to nothing in
 * time. The same settings where there is time for all of them.
 */
export function shortenSchedule(
  settings: TuneSettings,
  { steps, photos }: { readonly steps: number; readonly photos: number },
  { stepMs, judgeMs, leftMs }: Pace,
): TuneSettings {
  const { schedule, judgedEvery, batchSize } = settings
  const epochSteps = photos / batchSize
  const msPerStep = stepMs + judgeMs / (epochSteps * judgedEvery)
  if ((schedule.steps - steps) * msPerStep <= leftMs) return settings
  const affordable = Math.max(0, (PLANNED_SHARE * leftMs - judgeMs) / msPerStep)
  const tenths = Math.max(1, Math.floor((10 * (steps + affordable)) / epochSteps))
  const epochs = Math.min(settings.epochs, tenths / 10)
  const last = Math.max(steps, stepsOf(epochs, photos))
  return { ...settings, epochs, schedule: { ...schedule, steps: Math.min(schedule.steps, last) } }
}
