import { expect, it } from 'vitest'
import { learningRateAt } from './cosine-schedule.ts'

const schedule = { peak: 0.001, steps: 110, warmUpSteps: 10 }

it('rises in a line, then falls as a cosine', () => {
  expect(learningRateAt(schedule, 0)).toBeCloseTo(0.00005, 10)
  expect(learningRateAt(schedule, 5)).toBeCloseTo(0.000525, 10)
  expect(learningRateAt(schedule, 10)).toBe(0.001)
  expect(learningRateAt(schedule, 60)).toBeCloseTo(0.0005, 10)
  expect(learningRateAt(schedule, 109)).toBeLessThan(1e-6)
})

it('stays finite where a training is shorter than its warm-up', () => {
  const short = { peak: 1, steps: 2, warmUpSteps: 2 }
  for (const step of [0, 1, 2, 3]) expect(learningRateAt(short, step)).toBeGreaterThanOrEqual(0)
})
