/** The part of a fine-tuning that learns: photos, changed by workers while a step is computed, become new weights. */
import type { Backbone } from '../../backbones/catalog.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { openAugmenter } from '../../features/augmented-photos.ts'
import { balanceWeights } from '../../learn/balance-weights.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import { planTrainingStep } from '../../tensor/gradients/plan-training-step.ts'
import { trainedWeights } from '../../tensor/gradients/step-state.ts'
import { targetsOf } from '../../tensor/gradients/targets.ts'
import { openTrainer } from '../../tensor/gradients/trainer.ts'
import type {
  StepResult,
  TrainingState,
  TrainingStep,
} from '../../tensor/gradients/training-step.ts'
import type { Observation } from '../../tensor/quantize.ts'
import type { Weights } from '../../tensor/tensor.ts'
import type { TrainContext } from '../train-context.ts'
import { type BatchPlan, toAugment, turnsOf } from './batches.ts'
import type { TuneSettings } from './tune-settings.ts'
import { blendWeights, featureNetwork, headTensors, withHead } from './tuning-network.ts'

export interface LearnPlan {
  readonly backbone: Backbone
  /** Of the backbone. */
  readonly weights: Weights
  /** Head for features as they are, from which it starts. */
  readonly head: LinearHead
  readonly settings: TuneSettings
  readonly photos: readonly ScannedPhoto[]
  /** `[photos]`, each below `classes`. */
  readonly labelIds: Int32Array
  readonly classes: number
  /** Rows of `photos` that are learned from. */
  readonly learn: readonly number[]
  readonly seed: number
  /** What layers that do not learn give for photos: then they compute in 8 bit. */
  readonly observed: Observation | undefined
}

/** What a step does follows from the plan, `steps` and the rate alone. */
export interface Learner {
  /** Steps that are done. */
  readonly steps: number
  /** Takes one more, which counts where it is applied. Throws an error of a photo. */
  step(learningRate: number): Promise<StepResult>
  read(): Promise<TrainingState>
  /** Goes on from there. */
  write(state: TrainingState): Promise<void>
  /** All weights of the network and its head that a state has made. */
  toWeights(state: TrainingState): Weights
  close(): Promise<void>
}

/** Batches that are made ready while one is learned from. */
const AHEAD = 2

export async function openLearner(
  plan: LearnPlan,
  { workers, limits }: Pick<TrainContext, 'workers' | 'limits'>,
): Promise<Learner> {
  const { settings, photos, labelIds, classes, learn, seed } = plan
  const { size, batchSize, labelSmoothing } = settings
  const planned = await planStep(plan)
  const targets = { classes, labelSmoothing, ...weightsOfClasses(labelIds, learn, classes) }
  const batches: BatchPlan = { photos, learn, batchSize, seed }
  const trainer = await openTrainer(planned, { threads: workers })
  const augmenter = openAugmenter({ size, workers, limits })
  const ready: Promise<Uint8Array>[] = []
  let steps = 0

  const prepare = async (step: number) =>
    augmenter.run(await toAugment(batches, turnsOf(batches, step)))
  const takeBatch = (): Promise<Uint8Array> => {
    while (ready.length <= AHEAD) {
      const batch = prepare(steps + ready.length)
      // Waited for when its turn comes; until then it is no unhandled one.
      batch.catch(() => {})
      ready.push(batch)
    }
    return ready.shift() ?? prepare(steps)
  }

  return {
    get steps() {
      return steps
    },
    async step(learningRate) {
      const labels = turnsOf(batches, steps).map(({ row }) => labelIds[row] ?? 0)
      const result = await trainer.step({
        photos: await takeBatch(),
        targets: targetsOf(labels, targets),
        learningRate,
        seed: steps,
      })
      if (result.isApplied) steps++
      return result
    },
    read: () => trainer.read(),
    async write(state) {
      await trainer.write(state)
      await Promise.allSettled(ready.splice(0))
      steps = state.steps
    },
    toWeights(state) {
      const start = startWeights(plan)
      const learned = trainedWeights(planned, state, { averaged: true })
      return new Map([...start, ...blendWeights(start, learned, settings.tunedShare)])
    },
    async close() {
      await Promise.allSettled(ready)
      await augmenter.close()
      await trainer.close()
    },
  }
}

const startWeights = ({ weights, head }: Pick<LearnPlan, 'weights' | 'head'>): Weights =>
  new Map([...weights, ...headTensors(head)])

const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const

function planStep({
  backbone,
  settings,
  weights,
  head,
  classes,
  observed,
}: LearnPlan): Promise<TrainingStep> {
  const { size, trainFrom, batchSize, weightDecay, firstRateShare, sharpness } = settings
  const { gradientClip, dropout, averageDecay } = settings
  return planTrainingStep(
    withHead(featureNetwork(backbone.network, size), classes),
    startWeights({ weights, head }),
    {
      ...{ trainFrom, batchSize, weightDecay, firstRateShare, sharpness },
      ...{ gradientClip, dropout, averageDecay },
      ...(observed && { observed }),
      optimiser: ADAMW,
      batchNorm: 'frozen',
    },
  )
}

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
