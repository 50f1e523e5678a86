import { describe, expect, it } from 'vitest'
import { efficientNetLite0 } from '../../backbones/architectures/efficientnet-lite0.ts'
import { describeNetwork } from '../../backbones/architectures.ts'
import {
  addJudgement,
  addStep,
  BEGINNING,
  isDue,
  isOver,
  type TuneProgress,
} from './tune-progress.ts'
import { defaultDepth, planTuneSettings } from './tune-settings.ts'
import { featureNetwork } from './tuning-network.ts'

const photos = 640
const network = featureNetwork(describeNetwork(efficientNetLite0), 224)
const settings = planTuneSettings(defaultDepth(network, 224), 8, photos)
const passing = { settings, photos }
const baseline = { accuracy: 0.7, loss: 1 }

/** After an epoch of twenty steps. */
function pass(progress: TuneProgress, accuracy: number, loss: number): TuneProgress {
  let next = progress
  while (next === progress || !isDue(next, passing)) {
    next = addStep(next, { loss: 2, correct: 16 })
  }
  return addJudgement(next, { accuracy, loss }, baseline, passing)
}

describe('a fine-tuning', () => {
  it('is judged where an epoch ends', () => {
    const { steps, epochs, sum } = pass(BEGINNING, 0.8, 0.5)
    expect([steps, sum.steps]).toEqual([20, 0])
    expect(epochs).toEqual([
      { epoch: 1, loss: 2, accuracy: 0.5, validation: { accuracy: 0.8, loss: 0.5 } },
    ])
  })

  it('is judged eight times at most, the last time at its end', () => {
    const long = planTuneSettings(defaultDepth(network, 224), 20, photos)
    const passing = { settings: long, photos }
    let progress = BEGINNING
    while (progress.steps < long.schedule.steps) {
      progress = addStep(progress, { loss: 2, correct: 16 })
      if (isDue(progress, passing)) {
        progress = addJudgement(progress, { accuracy: 0.8, loss: 0.5 }, baseline, passing)
      }
    }
    expect(progress.epochs.map(({ epoch }) => epoch)).toEqual([2, 5, 8, 11, 14, 17, 20])
  })

  it('is judged whole epochs before its end where there is time for a part of one', () => {
    const at = (epochs: number, judgedEvery: number) => {
      const plan = planTuneSettings(defaultDepth(network, 224), epochs, photos, judgedEvery)
      let progress = BEGINNING
      while (progress.steps < plan.schedule.steps) {
        progress = addStep(progress, { loss: 2, correct: 16 })
        if (!isDue(progress, { settings: plan, photos })) continue
        const judged = { accuracy: 0.8, loss: 0.5 }
        progress = addJudgement(progress, judged, baseline, { settings: plan, photos })
      }
      return progress.epochs.map(({ epoch }) => epoch)
    }
    expect(at(3.6, 1)).toEqual([0.6, 1.6, 2.6, 3.6])
    expect(at(3.3, 1)).toEqual([1.3, 2.3, 3.3])
    expect(at(5.6, 2)).toEqual([1.6, 3.6, 5.6])
    expect(at(1, 4)).toEqual([1])
  })

  it('is not judged again where its end was put off until a judgement', () => {
    const progress = pass(BEGINNING, 0.8, 0.5)
    const ended = { ...settings, epochs: 1, schedule: { ...settings.schedule, steps: 21 } }
    const next = addStep(progress, { loss: 2, correct: 16 })
    expect(isDue(next, { settings: ended, photos })).toBe(false)
    const later = { ...ended, epochs: 1.1 }
    expect(isDue(next, { settings: later, photos })).toBe(true)
  })

  it('keeps a later epoch where losses are next to nothing', () => {
    const keptBehind = (loss: number) => pass(pass(BEGINNING, 1, 0.0105), 1, loss).keptEpoch
    expect([keptBehind(0.0117), keptBehind(0.03)]).toEqual([2, 1])
  })

  it('keeps the last epoch of about the least loss among those that are no worse than the baseline', () => {
    const epochs = [
      [0.69, 0.1],
      [0.9, 1.1],
      [0.7, 0.6],
      [0.8, 0.5],
      [0.9, 0.52],
      [0.9, 0.53],
    ] as const
    let progress = BEGINNING
    const best = epochs.map(([accuracy, loss]) => {
      progress = pass(progress, accuracy, loss)
      return progress.keptEpoch
    })
    expect(best).toEqual([undefined, undefined, 3, 4, 5, 5])
  })

  it('is over with its last step, or once no epoch has been better for long', () => {
    let progress = pass(BEGINNING, 0.9, 0.1)
    while (!isOver(progress, settings)) progress = pass(progress, 0.8, 0.5)
    expect(progress.epochs).toHaveLength(1 + Math.ceil(0.7 * settings.epochs))
    let worse = BEGINNING
    while (!isOver(worse, settings)) worse = pass(worse, 0.5, 0.5)
    expect([worse.steps, worse.epochs.length]).toEqual([settings.schedule.steps, settings.epochs])
  })
})
