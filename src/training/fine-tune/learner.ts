/** The part of a fine-tuning that learns: photos, changed by workers while a step is computed, become new weights. */
import type { Backbone } from '../../backbones/catalog.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { openAugmenter } from '../../features/augmented-photos.ts'
import { balanceWeights } from '../../learn/balance-weights.ts'
import { learningRateAt } from '../../learn/cosine-schedule.ts'
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
import type { Network } from '../../tensor/network.ts'
import type { Weights } from '../../tensor/tensor.ts'
import type { TrainContext } from '../train-context.ts'
import { type BatchPlan, toAugment, turnsOf } from './batches.ts'
import type { Candidate } from './judge-candidate.ts'
import type { TuneSettings } from './tune-settings.ts'
import { featureNetwork, headOf, headTensors, withHead } from './tuning-network.ts'

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
}

/** What a step does follows from the plan and from `steps` alone. */
export interface Learner {
  /** Steps that are done. */
  readonly steps: number
  /** Takes one more, which counts where it is applied. Throws an error of a photo. */
  step(): Promise<StepResult>
  read(): Promise<TrainingState>
  /** Goes on from there. */
  write(state: TrainingState): Promise<void>
  /** The network that a state has made. */
  toCandidate(state: TrainingState): Candidate
  close(): Promise<void>
}

/** Batches that are made ready while one is learned from. */
const AHEAD = 2

export async function openLearner(
  plan: LearnPlan,
  { workers, limits }: Pick<TrainContext, 'workers' | 'limits'>,
): Promise<Learner> {
  const { settings, photos, labelIds, classes, learn, seed } = plan
  const { size, batchSize, schedule, labelSmoothing } = settings
  const network = featureNetwork(plan.backbone.network, size)
  const planned = await planStep(plan, network)
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
    async step() {
      const labels = turnsOf(batches, steps).map(({ row }) => labelIds[row] ?? 0)
      const result = await trainer.step({
        photos: await takeBatch(),
        targets: targetsOf(labels, targets),
        learningRate: learningRateAt(schedule, steps),
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
    toCandidate(state) {
      const tuned = trainedWeights(planned, state, { averaged: true })
      const weights = new Map([...plan.weights, ...tuned])
      return { network, weights, head: headOf(weights) }
    },
    async close() {
      await Promise.allSettled(ready)
      await augmenter.close()
      await trainer.close()
    },
  }
}

const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const

function planStep(
  { settings, weights, head, classes }: LearnPlan,
  network: Network,
): Promise<TrainingStep> {
  const { trainFrom, batchSize, weightDecay, gradientClip, dropout, averageDecay } = settings
  return planTrainingStep(withHead(network, classes), new Map([...weights, ...headTensors(head)]), {
    ...{ trainFrom, batchSize, weightDecay, gradientClip, dropout, averageDecay },
    optimiser: ADAMW,
    batchNorm: 'frozen',
  })
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
