/**
 * Fine-tunes the upper part of a network.
 *
 *   learning ──an epoch ends──▶ judged on validation photos ──▶ learning │ over: no better for long, or all steps done
 *      ├─ every half minute and after each epoch ▶ checkpoint, from which a killed run goes on bit for bit
 *      └─ a loss or gradient that is no number   ▶ over; the best epoch stays
 */

import type { Backbone } from '../../backbones/catalog.ts'
import { createFolder } from '../../core/atomic-write.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { openAugmenter } from '../../features/augmented-photos.ts'
import type { View } from '../../features/views.ts'
import { balanceWeights } from '../../learn/balance-weights.ts'
import { learningRateAt } from '../../learn/cosine-schedule.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import { planTrainingStep, trainedWeights } from '../../tensor/gradients/plan-training-step.ts'
import { targetsOf } from '../../tensor/gradients/targets.ts'
import { openTrainer } from '../../tensor/gradients/trainer.ts'
import type { TrainingState } from '../../tensor/gradients/training-step.ts'
import type { Weights } from '../../tensor/tensor.ts'
import type { TrainContext } from '../train-context.ts'
import { type BatchPlan, epochsAfter, type Turn, toAugment, turnsOf } from './batches.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import {
  type Candidate,
  type Judgement,
  type JudgePlan,
  judgeCandidate,
} from './judge-candidate.ts'
import type { TuneSettings } from './tune-settings.ts'
import type { TuneSides } from './tune-sides.ts'
import { featureNetwork, headOf, headTensors, withHead } from './tuning-network.ts'

export interface TunePlan {
  readonly backbone: Backbone
  /** Of the backbone. */
  readonly weights: Weights
  /** Head for features as they are, from which it starts. */
  readonly head: LinearHead
  readonly settings: TuneSettings
  readonly views: readonly View[]
  readonly photos: readonly ScannedPhoto[]
  /** `[photos]`, each below `classes`. */
  readonly labelIds: Int32Array
  readonly classes: number
  readonly sides: TuneSides
  readonly seed: number
  /** What the frozen features reach on the validation photos: an epoch must not be less accurate. */
  readonly baseline: Judgement
  /** Takes checkpoints, and holds those of a killed run. */
  readonly folder: string
}

export interface EpochFigures {
  /** From 1. */
  readonly epoch: number
  /** Of the photos that were learned from since the epoch before, with the target smoothed. */
  readonly loss: number
  readonly accuracy: number
  readonly validation: Judgement
}

export interface Tuned {
  readonly epochs: readonly EpochFigures[]
  /** Of those as accurate as the baseline on the validation photos, the epoch of least loss there. */
  readonly best: { readonly epoch: number; readonly candidate: Candidate } | undefined
  /** The step at which a number was none, counted from 1. */
  readonly divergedAt: number | undefined
}

/** What a checkpoint knows beside its tensors. */
interface Progress {
  /** Steps that are done. */
  readonly steps: number
  readonly epochs: readonly EpochFigures[]
  readonly bestEpoch: number | undefined
  readonly sum: Sum
}

/** Over the steps since the epoch before. */
interface Sum {
  readonly steps: number
  readonly loss: number
  readonly correct: number
}

const NOTHING: Sum = { steps: 0, loss: 0, correct: 0 }
const CHECKPOINT_MS = 30_000
/** Steps between two judgements at least: an epoch of few photos is over at once. */
const JUDGED_STEPS = 10
/** Batches that are made ready while one is learned from. */
const AHEAD = 2
/** Epochs without a better one after which it is over, as a share of all and at least. */
const PATIENCE_SHARE = 0.4
const LEAST_PATIENCE = 4

/** Throws `disk_full`, `write_failed`, or an error of a photo; what a checkpoint holds stays. */
export async function tune(plan: TunePlan, context: TrainContext): Promise<Tuned> {
  const { backbone, settings, photos, labelIds, classes, sides, seed, folder } = plan
  const { signal, workers, limits, onEvent = () => {} } = context
  const { size, batchSize, schedule } = settings
  const network = featureNetwork(backbone.network, size)
  const step = await planTrainingStep(
    withHead(network, classes),
    new Map([...plan.weights, ...headTensors(plan.head)]),
    {
      trainFrom: settings.trainFrom,
      batchSize,
      optimiser: ADAMW,
      weightDecay: settings.weightDecay,
      gradientClip: settings.gradientClip,
      batchNorm: 'frozen',
      dropout: settings.dropout,
      averageDecay: settings.averageDecay,
    },
  )
  const toCandidate = (state: TrainingState): Candidate => {
    const weights = new Map([...plan.weights, ...trainedWeights(step, state, { averaged: true })])
    return { network, weights, head: headOf(weights) }
  }
  const judge: JudgePlan = {
    ...{ backbone, views: plan.views, folder },
    photos: sides.validation.flatMap((row) => photos[row] ?? []),
    labels: Int32Array.from(sides.validation, (row) => labelIds[row] ?? 0),
  }
  const targets = { classes, labelSmoothing: settings.labelSmoothing }
  const classWeights = weightsOfClasses(labelIds, sides.learn, classes)
  const batches: BatchPlan = { photos, learn: sides.learn, batchSize, seed }
  const patience = Math.max(LEAST_PATIENCE, Math.ceil(PATIENCE_SHARE * settings.epochs))

  await createFolder(folder)
  const kept = await readCheckpoint<Progress>(folder)
  let { steps, epochs, bestEpoch, sum }: Progress = kept?.progress ?? {
    steps: 0,
    epochs: [],
    bestEpoch: undefined,
    sum: NOTHING,
  }
  let best: TrainingState | undefined = kept && {
    steps,
    tensors: kept.tensors['best'] ?? new Map(),
  }
  let divergedAt: number | undefined
  const trainer = await openTrainer(step, { threads: workers })
  const augmenter = openAugmenter({ size, workers, limits })
  const prepare = async (turns: readonly Turn[]) => augmenter.run(await toAugment(batches, turns))
  const save = async () =>
    writeCheckpoint<Progress>(folder, {
      progress: { steps, epochs, bestEpoch, sum },
      tensors: { state: (await trainer.read()).tensors, best: best?.tensors ?? new Map() },
    })
  const isOver = () =>
    steps >= schedule.steps ||
    (bestEpoch !== undefined && (epochs.at(-1)?.epoch ?? 0) - bestEpoch >= patience)
  const ready: Promise<Uint8Array>[] = []
  try {
    if (kept !== undefined) {
      await trainer.write({ steps, tensors: kept.tensors['state'] ?? new Map() })
    }
    onEvent({ stage: 'tuning', settings, done: steps, photos: sides.learn.length })
    let savedMs = performance.now()
    while (!isOver()) {
      signal?.throwIfAborted()
      while (ready.length <= AHEAD) {
        const batch = prepare(turnsOf(batches, steps + ready.length))
        // Waited for below; until then it is no unhandled one.
        batch.catch(() => {})
        ready.push(batch)
      }
      const labels = turnsOf(batches, steps).map(({ row }) => labelIds[row] ?? 0)
      const result = await trainer.step({
        photos: (await ready.shift()) ?? new Uint8Array(),
        targets: targetsOf(labels, { ...targets, ...classWeights }),
        learningRate: learningRateAt(schedule, steps),
        seed: steps,
      })
      if (!result.isApplied) {
        divergedAt = steps + 1
        break
      }
      const { loss, correct } = result
      sum = { steps: sum.steps + 1, loss: sum.loss + loss, correct: sum.correct + correct }
      const isEpoch =
        sum.steps >= JUDGED_STEPS && epochsAfter(batches, steps) > epochsAfter(batches, steps - 1)
      steps++
      onEvent({ stage: 'tuning-step', loss, accuracy: correct / batchSize })
      if (isEpoch || steps === schedule.steps) {
        const state = await trainer.read()
        const validation = await judgeCandidate(toCandidate(state), judge, context)
        const figures: EpochFigures = {
          epoch: Math.max(1, epochsAfter(batches, steps - 1)),
          loss: sum.loss / sum.steps,
          accuracy: sum.correct / (sum.steps * batchSize),
          validation,
        }
        const least = epochs.find(({ epoch }) => epoch === bestEpoch)?.validation.loss
        epochs = [...epochs, figures]
        sum = NOTHING
        const isWorse = validation.accuracy < plan.baseline.accuracy
        if (!isWorse && (least === undefined || validation.loss < least)) {
          bestEpoch = figures.epoch
          best = state
        }
        onEvent({ stage: 'tuning-epoch', figures })
      }
      if (isEpoch || performance.now() - savedMs > CHECKPOINT_MS) {
        await save()
        savedMs = performance.now()
      }
    }
  } finally {
    await Promise.allSettled(ready)
    await augmenter.close()
    await trainer.close()
  }
  return {
    epochs,
    best:
      bestEpoch === undefined || best === undefined
        ? undefined
        : { epoch: bestEpoch, candidate: toCandidate(best) },
    divergedAt,
  }
}

const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const

/** How much a photo of each class counts, where some have many more photos than others. */
function weightsOfClasses(
  labelIds: Int32Array,
  learn: readonly number[],
  classes: number,
): { readonly classWeights: Float32Array } {
  const labels = Int32Array.from(learn, (row) => labelIds[row] ?? 0)
  const classWeights = new Float32Array(classes).fill(1)
  for (const [place, weight] of balanceWeights(labels, classes).entries()) {
    classWeights[labels[place] ?? 0] = weight
  }
  return { classWeights }
}
