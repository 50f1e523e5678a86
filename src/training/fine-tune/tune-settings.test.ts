import { describe, expect, it } from 'vitest'
import { efficientNetLite0 } from '../../backbones/architectures/efficientnet-lite0.ts'
import { describeNetwork } from '../../backbones/architectures.ts'
import type { Network } from '../../tensor/network.ts'
import {
  defaultDepth,
  defaultEpochs,
  firstToLearn,
  learnedSide,
  planTuneSettings,
} from './tune-settings.ts'
import { featureNetwork } from './tuning-network.ts'

const network = featureNetwork(describeNetwork(efficientNetLite0), 224)

describe('firstToLearn', () => {
  it.each([
    [1, 'block1'],
    [0.64, 'block7'],
    [0.37, 'block11'],
    [0, 'top'],
  ])('takes at most the share %s of the multiplications', (share, first) => {
    const { trainFrom, shareBehind } = firstToLearn(network, share)
    expect(trainFrom).toBe(first)
    expect(shareBehind).toBeLessThanOrEqual(Math.max(share, 0.1))
  })

  const conv = (name: string, input: number) =>
    ({
      ...({ op: 'conv', name, input, filters: 3, kernelSize: 3, stride: 1 } as const),
      ...({ padding: 'same', groups: 1 } as const),
    }) as const
  const withRound = (at: number): Network => {
    const layers = [conv('first', -1), conv('second', 0), conv('third', 1)]
    const rounded = layers.flatMap((layer, id) =>
      id === at ? [layer, { op: 'round', input: id, halves: 'even' } as const] : [layer],
    )
    return {
      name: 'rounded',
      input: { size: 8, mean: 0, divisor: 255 },
      layers: [
        ...rounded.map((layer, id) => ({ ...layer, input: id - 1 })),
        { op: 'global-average-pool', input: 3 },
      ],
      outputs: { features: { layer: 4, width: 3 } },
    }
  }

  it('begins behind a layer that has no gradient', () => {
    expect(firstToLearn(withRound(0), 1).trainFrom).toBe('second')
    expect(firstToLearn(withRound(1), 1).trainFrom).toBe('third')
  })

  it('refuses a network that ends with such a layer', () => {
    expect(() => firstToLearn(withRound(2), 1)).toThrow(
      "Expected a network of which layers can learn, received rounded, which has none behind its layer 'round', which has no gradient",
    )
  })
})

describe('learnedSide', () => {
  it.each([
    [288, 256],
    [224, 192],
    [448, 384],
    [40, 32],
    [32, 32],
    [20, 20],
  ])('of photos that are served at %i pixels is %i', (side, learned) => {
    expect(learnedSide(network, side)).toBe(learned)
  })

  it('is the one side that a network takes', () => {
    const fixed = { ...network, input: { ...network.input, isFixed: true as const } }
    expect(learnedSide(fixed, 224)).toBe(224)
  })
})

describe('planTuneSettings', () => {
  it('passes over few photos more often, and not too fast', () => {
    const planned = (photos: number) =>
      planTuneSettings(defaultDepth(network, 224), defaultEpochs(photos), photos)
    const few = planned(100)
    const many = planned(10_000)
    expect([few.epochs, many.epochs]).toEqual([40, 12])
    expect(planned(20).schedule.peak).toBeLessThan(many.schedule.peak)
    expect(few.schedule.warmUpSteps).toBeLessThan(few.schedule.steps / 2)
  })

  it.each([
    [2.5, 0.05],
    [5, 0.1],
    [12, 0.24],
    [40, 0.25],
  ])('of %s epochs averages the weights of the share %s of all steps', (epochs, share) => {
    const { averageDecay, schedule } = planTuneSettings(defaultDepth(network, 224), epochs, 10_000)
    expect(1 / (1 - averageDecay)).toBeCloseTo(share * schedule.steps)
  })
})
