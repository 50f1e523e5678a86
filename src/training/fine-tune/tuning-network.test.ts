import { expect, it } from 'vitest'
import { randomWeights } from '../../../test/support/random-weights.ts'
import {
  ARCHITECTURE_IDS,
  describeNetwork,
  findArchitecture,
} from '../../backbones/architectures.ts'
import { planTrainingStep } from '../../tensor/gradients/plan-training-step.ts'
import { openStepRunner } from '../../tensor/gradients/step-runner.ts'
import { trainedWeights } from '../../tensor/gradients/step-state.ts'
import { targetsOf } from '../../tensor/gradients/targets.ts'
import { defaultDepth } from './tune-settings.ts'
import { blendWeights, featureNetwork, headOf, headTensors, withHead } from './tuning-network.ts'

const CLASSES = 3
/** The least that Inception-v3 takes. */
const SIZE = 75
/** Its graph alone takes five seconds of a core that has nothing else to do. */
const TIMEOUT_MS = 60_000

it.each(ARCHITECTURE_IDS)(
  '%s learns from the block where fine-tuning begins',
  async (id) => {
    const described = describeNetwork(findArchitecture(id), { size: SIZE, classes: 1000 })
    const network = featureNetwork(described, SIZE)
    const width = network.outputs['features']?.width ?? 0
    const head = { weights: new Float32Array(width * CLASSES), bias: new Float32Array(CLASSES) }
    const { trainFrom } = defaultDepth(network, SIZE)
    const step = await planTrainingStep(
      withHead(network, CLASSES),
      new Map([...randomWeights(network), ...headTensors(head)]),
      {
        ...{ trainFrom, batchSize: 2, optimiser: { kind: 'sgd', momentum: 0.9 } },
        ...{ weightDecay: 0, batchNorm: 'frozen' },
      },
    )
    const runner = await openStepRunner(step, { threads: 2 })
    const result = await runner.step({
      photos: Uint8Array.from({ length: 2 * SIZE * SIZE * 3 }, (_, at) => (at * 37) % 251),
      targets: targetsOf([0, 2], { classes: CLASSES, labelSmoothing: 0.1 }),
      learningRate: 0.01,
    })
    const state = await runner.read()
    await runner.close()

    expect(result).toMatchObject({ isApplied: true, loss: expect.closeTo(Math.log(CLASSES), 5) })
    expect(headOf(trainedWeights(step, state, { averaged: false })).weights).not.toEqual(
      head.weights,
    )
    // Nothing before the first block learns, and whatever has weights behind it does.
    const named = network.layers.flatMap((layer) => ('name' in layer ? [layer.name] : []))
    const first = named.findIndex((name) => name === trainFrom || name.startsWith(`${trainFrom}/`))
    expect(first).toBeGreaterThan(0)
    const learning = new Set(
      step.parameters.map(({ name }) => name.slice(0, name.lastIndexOf('/'))),
    )
    expect([...learning].slice(0, -1)).toEqual(named.slice(first))
  },
  TIMEOUT_MS,
)

it('stays a little nearer to the weights that it started from', () => {
  const tensor = (...data: number[]) => ({ dims: [data.length], data: Float32Array.from(data) })
  const start = new Map([
    ['top/kernel', tensor(0, 4)],
    ['stem/kernel', tensor(1)],
  ])
  const blended = blendWeights(start, new Map([['top/kernel', tensor(8, 4)]]), 0.75)
  expect(blended).toEqual(new Map([['top/kernel', tensor(6, 4)]]))
  expect(() => blendWeights(start, new Map([['other', tensor(1)]]), 0.75)).toThrow(
    'Expected other before it was learned',
  )
})
