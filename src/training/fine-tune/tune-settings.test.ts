import { describe, expect, it } from 'vitest'
import { efficientNetLite0 } from '../../backbones/architectures/efficientnet-lite0.ts'
import { describeNetwork } from '../../backbones/architectures.ts'
import { firstToLearn, planTuneSettings } from './tune-settings.ts'
import { featureNetwork } from './tuning-network.ts'

const network = featureNetwork(describeNetwork(efficientNetLite0), 224)

describe('firstToLearn', () => {
  it.each([
    [1, 'block1'],
    [0.64, 'block7'],
    [0.37, 'block11'],
    [0, 'top'],
  ])('takes at most the share %s of the multiplications', (share, first) => {
    expect(firstToLearn(network, share)).toBe(first)
  })
})

describe('planTuneSettings', () => {
  it('passes over few photos more often, and not too fast', () => {
    const few = planTuneSettings({ network, size: 224, photos: 100 })
    const many = planTuneSettings({ network, size: 224, photos: 10_000 })
    expect([few.epochs, many.epochs]).toEqual([40, 12])
    expect(few.schedule.peak).toBeLessThan(many.schedule.peak)
    expect(few.schedule.warmUpSteps).toBeLessThan(few.schedule.steps / 2)
  })
})
