/**
 * Fine-tunes the upper part of a network.
 *
 *   learning ──an epoch ends──▶ judged on validation photos ──▶ learning │ over: no better for long, or all steps done
 *      ├─ every half minute and after each epoch ▶ checkpoint, from which a killed run goes on bit for bit
 *      ├─ time will not do for all steps          ▶ fewer steps, in a checkpoint at once
 *      └─ a loss, gradient or answer that is no number ▶ over; the best epoch stays
 */
import { createFolder } from '../../core/atomic-write.ts'
import type { View } from '../../features/views.ts'
import { learningRateAt } from '../../learn/cosine-schedule.ts'
import type { TrainingState } from '../../tensor/gradients/training-step.ts'
import type { Judgement, TuningEpoch, TuningReport } from '../report.ts'
import type { TrainContext } from '../train-context.ts'
import { type Checkpoint, writeCheckpoint } from './checkpoint.ts'
import type { TuneChoice } from './choose-settings.ts'
import { type Candidate, type JudgePlan, judgeCandidate } from './judge-candidate.ts'
import { type LearnPlan, openLearner } from './learner.ts'
import { createStopwatch } from './stopwatch.ts'
import {
  addJudgement,
  addStep,
  BEGINNING,
  isDue,
  isOver,
  type TuneProgress,
} from './tune-progress.ts'
import type { TuneSettings } from './tune-settings.ts'
import { featureNetwork, headOf } from './tuning-network.ts'

export interface TunePlan extends Omit<LearnPlan, 'settings'> {
  readonly choice: TuneChoice
  readonly views: readonly View[]
  /** Rows of `photos` that judge each epoch. */
  readonly validation: readonly number[]
  /** What the frozen features reach on the validation photos: an epoch must not be less accurate. */
  readonly baseline: Judgement
  /** Takes checkpoints. */
  readonly folder: string
  /** Of a killed run, from which this one goes on. */
  readonly kept: TuneCheckpoint | undefined
  /** Why a checkpoint that was found is of no use. */
  readonly fault: string | undefined
  /** When the last epoch has to be over, by `performance.now()`. */
  readonly untilMs: number
}

export type TuneCheckpoint = Checkpoint<{
  readonly choice: TuneChoice
  readonly progress: TuneProgress
}>

export interface Tuned {
  /** With as many steps as there was time for. */
  readonly settings: TuneSettings
  readonly isRounded: boolean
  readonly epochs: readonly TuningEpoch[]
  /** Undefined where every epoch was worse than the baseline. */
  readonly best: { readonly epoch: number; readonly candidate: Candidate } | undefined
  /** The step at which a number was none, counted from 1. */
  readonly divergedAt: number | undefined
  readonly pace: TuningReport['pace']
}

const CHECKPOINT_MS = 30_000

/** Throws `disk_full`, `write_failed`, or an error of a photo; what a checkpoint holds stays. */
export async function tune(plan: TunePlan, context: TrainContext): Promise<Tuned> {
  const { choice, baseline, folder, kept, fault } = plan
  const { signal, onEvent = () => {} } = context
  const { batchSize } = choice.settings
  const photos = plan.learn.length
  const judge = judgePlanOf(plan)
  let { settings } = choice
  let progress = kept?.progress.progress ?? BEGINNING
  let best = kept && { steps: progress.steps, tensors: kept.tensors['best'] ?? new Map() }
  let divergedAt: number | undefined
  const [startMs, resumedAfter] = [performance.now(), progress.steps]
  const stopwatch = createStopwatch(plan.untilMs, choice)
  await createFolder(folder)
  const learner = await openLearner({ ...plan, settings }, context)
  let savedMs = performance.now()
  const save = async (state: TrainingState) => {
    await writeCheckpoint(folder, {
      progress: { choice: { ...choice, settings }, progress },
      tensors: { state: state.tensors, best: best?.tensors ?? new Map() },
    })
    savedMs = performance.now()
    onEvent({ stage: 'tuning-kept', steps: progress.steps })
  }
  const toCandidate = (state: TrainingState) => candidateOf(plan, learner.toWeights(state))
  try {
    if (kept !== undefined) {
      await learner.write({ steps: progress.steps, tensors: kept.tensors['state'] ?? new Map() })
    }
    onEvent({
      ...{ stage: 'tuning', choice, done: progress.steps, photos, fault },
      ...{ validationPhotos: plan.validation.length, baseline },
    })
    // What was measured would be measured otherwise by a run that goes on after a kill.
    if (kept === undefined && choice.budget !== undefined) await save(await learner.read())
    while (!isOver(progress, settings)) {
      signal?.throwIfAborted()
      const rate = learningRateAt(settings.schedule, progress.steps)
      const { isApplied, loss, correct } = await stopwatch.step(() => learner.step(rate))
      if (!isApplied) {
        divergedAt = progress.steps + 1
        break
      }
      progress = addStep(progress, { loss, correct })
      onEvent({ stage: 'tuning-step', loss, accuracy: correct / batchSize })
      const fitting = stopwatch.fit(settings, { steps: progress.steps, photos })
      const isShorter = fitting !== settings
      settings = fitting
      if (isShorter) onEvent({ stage: 'tuning-shortened', settings, done: progress.steps })
      const isJudged = isDue(progress, { settings, photos })
      if (!isJudged && !isShorter && performance.now() - savedMs < CHECKPOINT_MS) continue
      const state = await learner.read()
      if (isJudged) {
        const judgement = await stopwatch.judge(() =>
          judgeCandidate(toCandidate(state), judge, context),
        )
        if (judgement === undefined) {
          divergedAt = progress.steps
          break
        }
        const { keptEpoch } = progress
        progress = addJudgement(progress, judgement, baseline, { settings, photos })
        if (progress.keptEpoch !== keptEpoch) best = state
        for (const figures of progress.epochs.slice(-1)) {
          onEvent({ stage: 'tuning-epoch', figures, isKept: progress.keptEpoch !== keptEpoch })
        }
      }
      await save(state)
    }
  } finally {
    await learner.close()
  }
  const { epochs, keptEpoch } = progress
  return {
    ...{ settings, epochs, divergedAt, isRounded: choice.isRounded },
    best:
      keptEpoch === undefined || best === undefined
        ? undefined
        : { epoch: keptEpoch, candidate: toCandidate(best) },
    pace: {
      resumedAfter,
      photosPerSecond: stopwatch.stepMs === 0 ? 0 : (1000 * batchSize) / stopwatch.stepMs,
      elapsedMs: Math.round(performance.now() - startMs),
    },
  }
}

/** Gives features at the side at which photos are served. */
const candidateOf = ({ backbone, views }: TunePlan, weights: LearnPlan['weights']): Candidate => ({
  network: featureNetwork(backbone.network, views[0]?.size ?? backbone.network.input.size),
  weights,
  head: headOf(weights),
})

const judgePlanOf = ({
  backbone,
  views,
  folder,
  photos,
  labelIds,
  validation,
}: TunePlan): JudgePlan => ({
  ...{ backbone, views, folder },
  photos: validation.flatMap((row) => photos[row] ?? []),
  labels: Int32Array.from(validation, (row) => labelIds[row] ?? 0),
})
