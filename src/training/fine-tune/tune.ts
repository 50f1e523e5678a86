/**
 * Fine-tunes the upper part of a network.
 *
 *   learning ──an epoch ends──▶ judged on validation photos ──▶ learning │ over: no better for long, or all steps done
 *      ├─ every half minute and after each epoch ▶ checkpoint, from which a killed run goes on bit for bit
 *      └─ a loss, gradient or answer that is no number ▶ over; the best epoch stays
 */
import { createFolder } from '../../core/atomic-write.ts'
import type { View } from '../../features/views.ts'
import type { TrainingState } from '../../tensor/gradients/training-step.ts'
import type { Judgement, TuningEpoch, TuningReport } from '../report.ts'
import type { TrainContext } from '../train-context.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { type Candidate, type JudgePlan, judgeCandidate } from './judge-candidate.ts'
import { type LearnPlan, openLearner } from './learner.ts'
import {
  addJudgement,
  addStep,
  BEGINNING,
  isDue,
  isOver,
  type TuneProgress,
} from './tune-progress.ts'

export interface TunePlan extends LearnPlan {
  readonly views: readonly View[]
  /** Rows of `photos` that judge each epoch. */
  readonly validation: readonly number[]
  /** What the frozen features reach on the validation photos: an epoch must not be less accurate. */
  readonly baseline: Judgement
  /** Takes checkpoints, and holds those of a killed run. */
  readonly folder: string
}

export interface Tuned {
  readonly epochs: readonly TuningEpoch[]
  /** Undefined where no epoch was as accurate as the baseline. */
  readonly best: { readonly epoch: number; readonly candidate: Candidate } | undefined
  /** The step at which a number was none, counted from 1. */
  readonly divergedAt: number | undefined
  readonly pace: TuningReport['pace']
}

const CHECKPOINT_MS = 30_000

/** Throws `disk_full`, `write_failed`, or an error of a photo; what a checkpoint holds stays. */
export async function tune(plan: TunePlan, context: TrainContext): Promise<Tuned> {
  const { settings, baseline, folder } = plan
  const { signal, onEvent = () => {} } = context
  const passing = { batchSize: settings.batchSize, photos: plan.learn.length }
  const judge = judgePlanOf(plan)
  await createFolder(folder)
  const found = await readCheckpoint<TuneProgress>(folder)
  const kept = found !== undefined && 'progress' in found ? found : undefined
  const fault = found !== undefined && 'fault' in found ? found.fault : undefined
  let progress = kept?.progress ?? BEGINNING
  let best = kept && { steps: progress.steps, tensors: kept.tensors['best'] ?? new Map() }
  let divergedAt: number | undefined
  const [startMs, resumedAfter] = [performance.now(), progress.steps]
  let learnedMs = 0
  const learner = await openLearner(plan, context)
  const save = async (state: TrainingState) =>
    writeCheckpoint<TuneProgress>(folder, {
      progress,
      tensors: { state: state.tensors, best: best?.tensors ?? new Map() },
    })
  try {
    if (kept !== undefined) {
      await learner.write({ steps: progress.steps, tensors: kept.tensors['state'] ?? new Map() })
    }
    onEvent({ stage: 'tuning', settings, done: progress.steps, photos: passing.photos, fault })
    let savedMs = performance.now()
    while (!isOver(progress, settings)) {
      signal?.throwIfAborted()
      const stepMs = performance.now()
      const { isApplied, loss, correct } = await learner.step()
      learnedMs += performance.now() - stepMs
      if (!isApplied) {
        divergedAt = progress.steps + 1
        break
      }
      progress = addStep(progress, { loss, correct })
      onEvent({ stage: 'tuning-step', loss, accuracy: correct / settings.batchSize })
      const isJudged = isDue(progress, settings, passing)
      if (!isJudged && performance.now() - savedMs < CHECKPOINT_MS) continue
      const state = await learner.read()
      if (isJudged) {
        const judgement = await judgeCandidate(learner.toCandidate(state), judge, context)
        if (judgement === undefined) {
          divergedAt = progress.steps
          break
        }
        const { bestEpoch } = progress
        progress = addJudgement(progress, judgement, baseline, passing)
        if (progress.bestEpoch !== bestEpoch) best = state
        for (const figures of progress.epochs.slice(-1)) onEvent({ stage: 'tuning-epoch', figures })
      }
      await save(state)
      onEvent({ stage: 'tuning-kept', steps: progress.steps })
      savedMs = performance.now()
    }
  } finally {
    await learner.close()
  }
  const { epochs, bestEpoch } = progress
  return {
    epochs,
    best:
      bestEpoch === undefined || best === undefined
        ? undefined
        : { epoch: bestEpoch, candidate: learner.toCandidate(best) },
    divergedAt,
    pace: {
      resumedAfter,
      photosPerSecond:
        learnedMs === 0
          ? 0
          : ((progress.steps - resumedAfter) * settings.batchSize) / (learnedMs / 1000),
      elapsedMs: Math.round(performance.now() - startMs),
    },
  }
}

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
