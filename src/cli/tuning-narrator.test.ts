import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { createTuningNarrator } from './tuning-narrator.ts'

const settings = {
  ...{ trainFrom: 'block7', size: 224, batchSize: 32, epochs: 12, judgedEvery: 2 },
  ...{
    weightDecay: 0,
    firstRateShare: 0.25,
    labelSmoothing: 0,
    sharpness: { radius: 0.05, photos: 8 },
    gradientClip: 5,
    dropout: 0,
    averageDecay: 0,
    tunedShare: 0.85,
  },
  schedule: { peak: 0.001, steps: 240, warmUpSteps: 10 },
}
const epochOf = (epoch: number, accuracy: number) => ({
  ...{ epoch, loss: 1.25, accuracy: 0.5 },
  validation: { accuracy, loss: 0.75 },
})

it('says what there is to beat, a line for each epoch, and what came of it', () => {
  const moving: string[] = []
  const stderr = new Writable({
    write(text, _, done) {
      moving.push(String(text))
      done()
    },
  })
  const lines: string[] = []
  const { tell, tellStopped } = createTuningNarrator(stderr, (text) => lines.push(text))
  expect(tellStopped()).toBeUndefined()
  tell({
    ...{
      stage: 'tuning',
      choice: { isRounded: false, settings },
      done: 20,
      photos: 640,
      fault: undefined,
    },
    ...{ validationPhotos: 108, baseline: { accuracy: 0.75, loss: 0.9 } },
  })
  tell({ stage: 'tuning-step', loss: 1, accuracy: 0.5 })
  tell({ stage: 'tuning-epoch', figures: epochOf(2, 0.7), isKept: false })
  tell({ stage: 'tuning-epoch', figures: epochOf(3, 0.8), isKept: true })
  tell({ stage: 'tuned', divergedAt: 61, refusal: undefined })
  expect(lines.map((line) => line.replace(/; [\d,]+\/s(, \w+ left)?/, '; <pace>'))).toEqual([
    'Fine-tuning from block7 on at 224 px: 12 epochs of 640 photos, going on after step 20 of 240\n',
    '  to beat: 75.0 % of 108 held-out photos right with frozen features\n',
    '  epoch 2 of 12: held-out 70.0 % right, loss 0.750; learned from 50.0 %, 1.250; <pace>\n',
    '  epoch 3 of 12: held-out 80.0 % right, loss 0.750; learned from 50.0 %, 1.250; <pace> (kept so far)\n',
    '  Stopped at step 61: the loss, its gradient or an answer is no number any more\n',
  ])
  // Not a terminal: a line every ten seconds, none of them to wipe.
  expect(moving).toEqual([])
})
