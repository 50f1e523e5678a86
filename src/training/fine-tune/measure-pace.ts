/** How fast this machine is at what a fine-tuning does, by doing a little of it. */
import pMap from 'p-map'
import type { Backbone } from '../../backbones/catalog.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { openFeaturizer } from '../../features/featurizer.ts'
import type { View } from '../../features/views.ts'
import { learningRateAt } from '../../learn/cosine-schedule.ts'
import type { TrainContext } from '../train-context.ts'
import { type LearnPlan, openLearner } from './learner.ts'

/** Steps before measured ones: the first batches are awaited, and kernels run for the first time. */
const FIRST_STEPS = 3
/** Measured for so long, and so many steps at least. */
const MEASURE_MS = 2000
const LEAST_STEPS = 2

/** Milliseconds that a photo of a step takes: changed, and learned from as it will be. */
export async function measureSteps(plan: LearnPlan, context: TrainContext): Promise<number> {
  const { schedule, batchSize } = plan.settings
  const learner = await openLearner(plan, context)
  try {
    const step = async () => {
      context.signal?.throwIfAborted()
      await learner.step(learningRateAt(schedule, learner.steps))
    }
    for (let at = 0; at < FIRST_STEPS; at++) await step()
    const startMs = performance.now()
    let steps = 0
    while (steps < LEAST_STEPS || performance.now() - startMs < MEASURE_MS) {
      await step()
      steps++
    }
    return (performance.now() - startMs) / (steps * batchSize)
  } finally {
    await learner.close()
  }
}

export interface LookPace {
  /** Until workers have loaded a network. */
  readonly openMs: number
  readonly msPerPhoto: number
}

/** Photos that are looked at to tell how long others take. */
const SAMPLE = 48

/** How long it takes to look at photos through a network, as each epoch is judged and at the end. */
export async function measureLooks(
  backbone: Backbone,
  views: readonly View[],
  photos: readonly ScannedPhoto[],
  { workers, limits, signal }: TrainContext,
): Promise<LookPace> {
  const openedMs = performance.now()
  const inFlight = 2 * workers
  const featurizer = openFeaturizer({
    backbone,
    workers,
    limits: { ...limits, queuedPhotos: Math.max(inFlight, SAMPLE) },
  })
  try {
    await featurizer.warm()
    const startMs = performance.now()
    const sample = photos.slice(0, SAMPLE)
    await pMap(
      sample,
      async ({ load, sha256 }) => {
        const photo = typeof load === 'string' ? load : await load()
        await featurizer.run(photo, ['features'], { views, sha256, signal })
      },
      { concurrency: inFlight },
    )
    return {
      openMs: startMs - openedMs,
      msPerPhoto: (performance.now() - startMs) / Math.max(1, sample.length),
    }
  } finally {
    await featurizer.close()
  }
}
