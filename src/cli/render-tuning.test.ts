import { describe, expect, it } from 'vitest'
import type { TuningReport } from '../training/report.ts'
import { sayKept, sayPace, sayTuned } from './render-tuning.ts'

const tuning: TuningReport = {
  ...{
    backbone: 'efficientnet-lite0',
    trainFrom: 'block7',
    isRounded: true,
    size: 288,
    batchSize: 32,
  },
  ...{ photos: 612, validationPhotos: 108, epochsPlanned: 12, keptEpoch: 2 },
  schedule: { peak: 0.001, steps: 230, warmUpSteps: 46 },
  epochs: [1, 2, 3].map((epoch) => ({
    ...{ epoch, loss: 1 / epoch, accuracy: 0.9 },
    validation: { accuracy: 0.8 + epoch / 100, loss: 0.5 },
  })),
  baseline: { accuracy: 0.75, loss: 0.8 },
  pace: { resumedAfter: 0, photosPerSecond: 53.4, elapsedMs: 220_000 },
}

describe('a fine-tuning in words', () => {
  it('says what learned, how fast, and which epoch was kept', () => {
    expect(sayTuned(tuning)).toBe('efficientnet-lite0 from block7 on, at 288 px with 612 photos')
    expect(sayPace(tuning)).toBe('3m40s, 53 photos/s')
    expect(sayKept(tuning)).toBe(
      'epoch 2 of 3: 82.0 % of 108 photos that judge, frozen features 75.0 %',
    )
  })

  it('says so where no epoch was kept, and of a run that went on', () => {
    const { keptEpoch: _, ...refused } = tuning
    expect(sayKept(refused)).toBe('none of 3 judged epochs was as good: frozen features 75.0 %')
    const pace = { resumedAfter: 230, photosPerSecond: 0, elapsedMs: 900 }
    expect(sayPace({ ...tuning, pace })).toBe('900ms, after 230 steps of an earlier run')
  })
})
