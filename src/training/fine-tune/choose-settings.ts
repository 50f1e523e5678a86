/** Settings of a fine-tuning: those of the recipe, or what fits into a time budget on this machine. */
import type { Backbone } from '../../backbones/catalog.ts'
import type { View } from '../../features/views.ts'
import type { TrainContext } from '../train-context.ts'
import type { LearnPlan } from './learner.ts'
import { measureLooks, measureSteps } from './measure-pace.ts'
import { type BudgetAnswer, planBudget, planLadder, type Rung } from './plan-budget.ts'
import {
  type Depth,
  defaultDepth,
  defaultEpochs,
  planTuneSettings,
  type TuneSettings,
} from './tune-settings.ts'
import { featureNetwork } from './tuning-network.ts'

/** For the whole command. */
export interface TimeBudget {
  readonly ms: number
  /** When the command began, by `performance.now()`. */
  readonly startMs: number
}

/** Plain data: a checkpoint holds it, so that a killed run goes on with what was chosen. */
export interface TuneChoice {
  readonly settings: TuneSettings
  /** Whether what does not learn computes in 8 bit meanwhile. */
  readonly isRounded: boolean
  /** Where a time budget chose: what it was reckoned from. */
  readonly budget?: {
    readonly ms: number
    /** Of the whole command. */
    readonly estimatedMs: number
    readonly photosPerSecond: number
    /** To judge an epoch, and for all that comes after the last one. */
    readonly judgeMs: number
    readonly tailMs: number
  }
}

export interface TooLittle {
  /** Of the whole command, for one epoch of what costs least. */
  readonly neededMs: number
  readonly budgetMs: number
}

export interface ChoicePlan extends Omit<LearnPlan, 'settings'> {
  readonly views: readonly View[]
  readonly validation: readonly number[]
  /** Photos that are looked at once more at the end. */
  readonly lookedAt: number
  readonly budget: TimeBudget | undefined
}

/** After the last epoch, beside looking at photos: thresholds, two bundles, the report. */
const WRITE_MS = 2000
const WRITE_MS_PER_PHOTO = 0.3
/** What a photo of a step takes at least, as a share of a look: where that is too long, steps need not be measured. */
const LEAST_STEP = 0.5

/** At which photos are served. */
export const sideOf = (backbone: Backbone, [view]: readonly View[]): number =>
  view?.size ?? backbone.network.input.size

/** Those of the recipe, for photos that are served under `views`. */
export function defaultSettings(
  backbone: Backbone,
  views: readonly View[],
  photos: number,
): TuneSettings {
  const side = sideOf(backbone, views)
  const network = featureNetwork(backbone.network, side)
  return planTuneSettings(defaultDepth(network, side), defaultEpochs(photos), photos)
}

export async function chooseSettings(
  plan: ChoicePlan,
  context: TrainContext,
): Promise<TuneChoice | TooLittle> {
  const { backbone, views, photos, learn, validation, budget } = plan
  const isRounded = plan.observed !== undefined
  if (budget === undefined) {
    return { settings: defaultSettings(backbone, views, learn.length), isRounded }
  }
  context.onEvent?.({ stage: 'measuring' })
  const judges = validation.flatMap((row) => photos[row] ?? [])
  const look = await measureLooks(backbone, views, judges, context)
  const judgeMs = look.openMs + validation.length * look.msPerPhoto
  const lookMs = look.openMs + plan.lookedAt * look.msPerPhoto
  const tailMs = WRITE_MS + WRITE_MS_PER_PHOTO * photos.length + lookMs
  const spent = () => performance.now() - budget.startMs
  const leastMs = spent() + LEAST_STEP * learn.length * look.msPerPhoto + judgeMs + tailMs
  if (leastMs > budget.ms) return { neededMs: leastMs, budgetMs: budget.ms }
  const ask = async (ladder: readonly Rung[], depth: Depth): Promise<BudgetAnswer> => {
    const settings = planTuneSettings(depth, 1, learn.length)
    const msPerPhoto = await measureSteps({ ...plan, settings }, context)
    const leftMs = budget.ms - tailMs - spent()
    const measured = { depth, msPerPhoto }
    return planBudget({ ladder, photos: learn.length, measured, judgeMs, leftMs })
  }
  const side = sideOf(backbone, views)
  const ladder = planLadder(featureNetwork(backbone.network, side), side)
  const [first] = ladder
  if (first === undefined) throw new RangeError('Expected a rung, received none')
  let answer = await ask(ladder, first)
  if ('depth' in answer && answer.depth !== first) {
    // The model of costs has led there; what it costs is measured.
    answer = await ask(ladder.slice(0, ladder.indexOf(answer.depth) + 1), answer.depth)
  }
  const spentMs = spent()
  if ('neededMs' in answer) {
    return { neededMs: spentMs + answer.neededMs + tailMs, budgetMs: budget.ms }
  }
  const { depth, epochs, judgedEvery, photosPerSecond, tuneMs } = answer
  return {
    settings: planTuneSettings(depth, epochs, learn.length, judgedEvery),
    isRounded,
    budget: {
      ...{ ms: budget.ms, photosPerSecond, judgeMs, tailMs },
      estimatedMs: spentMs + tuneMs + tailMs,
    },
  }
}
