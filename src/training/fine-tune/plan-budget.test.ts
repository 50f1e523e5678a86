import { describe, expect, it } from 'vitest'
import { efficientNetLite0 } from '../../backbones/architectures/efficientnet-lite0.ts'
import { describeNetwork } from '../../backbones/architectures.ts'
import {
  type BudgetQuestion,
  costOf,
  planBudget,
  planLadder,
  shortenSchedule,
} from './plan-budget.ts'
import { planTuneSettings } from './tune-settings.ts'
import { featureNetwork } from './tuning-network.ts'

const network = featureNetwork(describeNetwork(efficientNetLite0), 224)
const ladder = planLadder(network, 288)
const [cheapest] = ladder
const dearest = ladder.at(-1)
if (cheapest === undefined || dearest === undefined) throw new Error('Expected a ladder')

describe('planLadder', () => {
  it('goes from cheap to dear, at a side a little below that at which photos are served', () => {
    const costs = ladder.map(costOf)
    expect(costs).toEqual([...costs].sort((a, b) => a - b))
    expect(ladder.map(({ trainFrom }) => trainFrom)).toEqual(['block11', 'block7'])
    expect(new Set(ladder.map(({ size }) => size))).toEqual(new Set([256]))
  })

  it('keeps the one side of a network that takes no other', () => {
    const fixed = { ...network, input: { ...network.input, isFixed: true as const } }
    expect(new Set(planLadder(fixed, 224).map(({ size }) => size))).toEqual(new Set([224]))
  })
})

describe('planBudget', () => {
  const ask = (minutes: number, photos: number, perSecond: number, others = {}) => {
    const question: BudgetQuestion = {
      ...{ ladder, photos, judgeMs: 2000, leftMs: 60_000 * minutes },
      measured: { depth: cheapest, msPerPhoto: 1000 / perSecond },
    }
    return planBudget({ ...question, ...others })
  }

  it('takes what costs most where there is time for it, and no more epochs than are of use', () => {
    expect(ask(600, 2300, 200)).toMatchObject({ depth: dearest, epochs: 12 })
  })

  it.each([
    [30, 2300, 200],
    [10, 2300, 200],
    [5, 2300, 200],
    [5, 8000, 200],
    [3, 500, 60],
    [2, 150, 20],
  ])('stays within %i minutes for %i photos at %i a second', (minutes, photos, perSecond) => {
    const answer = ask(minutes, photos, perSecond)
    if ('neededMs' in answer) throw new Error('Expected epochs')
    expect(answer.epochs).toBeGreaterThan(0)
    expect(answer.tuneMs).toBeLessThan(60_000 * minutes)
    const { epochs, judgedEvery, photosPerSecond, tuneMs } = answer
    const judged = Math.ceil(epochs / judgedEvery)
    expect(tuneMs).toBeCloseTo((1000 * epochs * photos) / photosPerSecond + judged * 2000)
  })

  it('goes deeper with more time, and never back', () => {
    const depths = [1, 2, 4, 8, 16, 32, 64].map((minutes) => {
      const answer = ask(minutes, 2300, 200)
      return 'depth' in answer ? ladder.indexOf(answer.depth) : -1
    })
    expect(depths).toEqual([...depths].sort((a, b) => a - b))
    expect(new Set(depths)).toEqual(new Set([0, 1]))
  })

  it('takes what costs least with the epochs and tenths that fit, down to one', () => {
    expect(ask(2.5, 8000, 200)).toMatchObject({ depth: cheapest, epochs: 3.2 })
    expect(ask(1, 8000, 200)).toMatchObject({ depth: cheapest, epochs: 1.2 })
  })

  it('tells what one epoch would need where there is no time for it', () => {
    const answer = ask(0.5, 8000, 200)
    if ('depth' in answer) throw new Error('Expected none')
    expect(answer.neededMs).toBeGreaterThan(40_000)
    expect(ask(answer.neededMs / 60_000, 8000, 200)).toMatchObject({ epochs: 1 })
    expect(ask(-1, 8000, 200)).toHaveProperty('neededMs')
  })

  it('reckons with what was measured on another rung', () => {
    const measured = {
      depth: dearest,
      msPerPhoto: (5 * costOf(dearest)) / costOf(cheapest),
    }
    expect(ask(10, 2300, 1, { measured })).toEqual(ask(10, 2300, 200))
  })
})

describe('shortenSchedule', () => {
  const photos = 640
  const settings = planTuneSettings(cheapest, 15, photos)
  const at = (steps: number, leftMs: number) =>
    shortenSchedule(settings, { steps, photos }, { stepMs: 100, judgeMs: 500, leftMs })

  it('leaves a schedule for which there is time', () => {
    expect(at(0, 40_000)).toBe(settings)
    expect(at(290, 1600)).toBe(settings)
  })

  it('ends with a tenth of an epoch in time', () => {
    const { epochs, schedule } = at(20, 20_000)
    expect(epochs).toBe(8.9)
    expect(schedule).toEqual({ ...settings.schedule, steps: 178 })
    const judged = Math.ceil(epochs / settings.judgedEvery)
    expect((schedule.steps - 20) * 100 + judged * 500).toBeLessThan(20_000)
  })

  it('ends at once where there is no time', () => {
    expect(at(45, 1800).schedule.steps).toBe(54)
    expect(at(45, -1000).schedule.steps).toBe(45)
    expect(at(7, 0)).toMatchObject({ epochs: 0.3, schedule: { steps: 7 } })
  })
})
