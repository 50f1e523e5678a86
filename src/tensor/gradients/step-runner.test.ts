import { afterEach, describe, expect, it } from 'vitest'
import type { Network } from '../network.ts'
import type { Observation } from '../quantize.ts'
import type { FloatTensor, Weights } from '../tensor.ts'
import { measureStatistics } from './measure-statistics.ts'
import { planTrainingStep } from './plan-training-step.ts'
import { openStepRunner } from './step-runner.ts'
import { trainedWeights } from './step-state.ts'
import { targetsOf } from './targets.ts'
import type { StepRequest, Trainer, TrainingOptions, TrainingState } from './training-step.ts'

const SIZE = 6
const PHOTOS = 4
const CLASSES = 3

/** Two convolutions and a classifier. */
const NETWORK: Network = {
  name: 'small',
  input: { size: SIZE, mean: 127, divisor: 128 },
  layers: [
    {
      op: 'conv',
      name: 'stem',
      input: -1,
      filters: 8,
      kernelSize: 3,
      stride: 2,
      padding: 'same',
      groups: 1,
    },
    { op: 'relu6', input: 0 },
    {
      op: 'conv',
      name: 'top',
      input: 1,
      filters: 16,
      kernelSize: 1,
      stride: 1,
      padding: 'same',
      groups: 1,
    },
    { op: 'relu6', input: 2 },
    { op: 'global-average-pool', input: 3 },
    { op: 'dense', name: 'classifier', input: 4, units: CLASSES },
  ],
  outputs: { logits: { layer: 5, width: CLASSES } },
}

const wave = (dims: number[], seed: number): FloatTensor => ({
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) =>
    Math.sin(at * 1.7 + seed),
  ),
})
const WEIGHTS = new Map<string, FloatTensor>([
  ['stem/kernel', wave([8, 3, 3, 3], 1)],
  ['stem/bias', wave([8], 2)],
  ['top/kernel', wave([16, 8, 1, 1], 3)],
  ['top/bias', wave([16], 4)],
  ['classifier/kernel', wave([CLASSES, 16], 5)],
  ['classifier/bias', wave([CLASSES], 6)],
])
/** Of `stem` and its activation. */
const OBSERVED: Observation = {
  input: { min: -1, max: 1 },
  layers: [
    { min: -20, max: 20 },
    { min: 0, max: 6 },
  ],
  means: new Map([[-1, new Float64Array(3)]]),
}
const readText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const OPTIONS: TrainingOptions = {
  batchSize: PHOTOS,
  optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  weightDecay: 0.02,
  batchNorm: 'frozen',
  averageDecay: 0.9,
  gradientClip: 1,
  dropout: 0.2,
}
const photos = Uint8Array.from({ length: PHOTOS * SIZE * SIZE * 3 }, (_, at) => (at * 37) % 251)
const targets = targetsOf([0, 1, 2, 1], { classes: CLASSES, labelSmoothing: 0.1 })
const request = (seed: number, more: Partial<StepRequest> = {}): StepRequest => ({
  photos,
  targets,
  learningRate: 0.01,
  seed,
  ...more,
})

let opened: Trainer[] = []
afterEach(async () => {
  await Promise.all(opened.map((trainer) => trainer.close()))
  opened = []
})
async function open(options: TrainingOptions = OPTIONS) {
  const step = await planTrainingStep(NETWORK, WEIGHTS, options)
  const trainer = await openStepRunner(step, { threads: 1 })
  opened.push(trainer)
  return { step, trainer }
}
const values = ({ tensors }: TrainingState) =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]))

describe('a training', () => {
  it.each([
    ['AdamW', OPTIONS.optimiser],
    ['SGD', { kind: 'sgd', momentum: 0.9 } as const],
  ])('learns the photos that it sees: %s', async (_name, optimiser) => {
    const { trainer } = await open({ ...OPTIONS, optimiser, dropout: 0 })
    const first = await trainer.step(request(0))
    let last = first
    for (let seed = 1; seed < 60; seed++)
      last = await trainer.step(request(seed, { learningRate: 0.03 }))
    expect(last.loss).toBeLessThan(first.loss / 1.5)
    expect(last.correct).toBe(PHOTOS)
  })

  it('computes what does not train in 8 bit, with all but the same gradients', async () => {
    const trainFrom = 'top'
    const exact = await open({ ...OPTIONS, trainFrom })
    const rounded = await open({ ...OPTIONS, trainFrom, observed: OBSERVED })
    expect(readText(rounded.step.model)).toContain('QuantizeLinear')
    const [a, b] = [await exact.trainer.step(request(0)), await rounded.trainer.step(request(0))]
    expect(b.loss).not.toBe(a.loss)
    expect(b.loss).toBeCloseTo(a.loss, 2)
    expect(b.gradientNorm / a.gradientNorm).toBeCloseTo(1, 1)
  })

  it('goes on from its state bit for bit', async () => {
    const { trainer } = await open()
    for (let seed = 0; seed < 3; seed++) await trainer.step(request(seed))
    const state = await trainer.read()
    expect(state.steps).toBe(3)
    const more = await trainer.step(request(3))
    const { trainer: other } = await open()
    await other.write(state)
    expect(await other.step(request(3))).toEqual(more)
    expect(values(await other.read())).toEqual(values(await trainer.read()))
  })

  it.each([PHOTOS, 2])('takes the gradient uphill, as %i of 4 photos lead there', async (few) => {
    const plain: TrainingOptions = {
      ...{ batchSize: PHOTOS, optimiser: { kind: 'sgd', momentum: 0 }, weightDecay: 0 },
      batchNorm: 'frozen',
    }
    const rate = { learningRate: 1 }
    /** What a step of rate 1 subtracts from `weights`, and its length over all of them. */
    const gradientAt = async (weights: Weights, options: TrainingOptions) => {
      const trainer = await openStepRunner(await planTrainingStep(NETWORK, weights, options), {
        threads: 1,
      })
      opened.push(trainer)
      const { batchSize } = options
      const { loss, gradientNorm } = await trainer.step({
        ...request(0, rate),
        photos: photos.slice(0, batchSize * SIZE * SIZE * 3),
        targets: targets.slice(0, batchSize * CLASSES),
      })
      const { tensors } = await trainer.read()
      const gradient = new Map(
        [...weights].map(([name, { data }]) => [
          name,
          data.map((value, at) => value - (tensors.get(name)?.data[at] ?? Number.NaN)),
        ]),
      )
      return { loss, gradientNorm, gradient }
    }
    const radius = 0.5
    const here = await gradientAt(WEIGHTS, { ...plain, batchSize: few })
    const uphill = new Map(
      [...WEIGHTS].map(([name, { dims, data }]) => {
        const step = here.gradient.get(name) ?? new Float32Array()
        const moved = data.map((value, at) => value + (radius * step[at]!) / here.gradientNorm)
        return [name, { dims, data: moved }]
      }),
    )
    const there = await gradientAt(uphill, plain)
    const flat = await gradientAt(WEIGHTS, { ...plain, sharpness: { radius, photos: few } })
    expect(there.loss).toBeGreaterThan((await gradientAt(WEIGHTS, plain)).loss)
    expect(flat.loss).toBeCloseTo(there.loss, 5)
    expect(flat.gradientNorm).toBeCloseTo(there.gradientNorm, 4)
    for (const [name, gradient] of there.gradient) {
      for (const [at, value] of gradient.entries()) {
        expect(flat.gradient.get(name)?.[at]).toBeCloseTo(value, 4)
      }
    }
  })

  it('moves as AdamW should: by the learning rate at first, less what decays', async () => {
    const { trainer } = await open({ ...OPTIONS, averageDecay: 0.5 })
    await trainer.step(request(0))
    const { tensors } = await trainer.read()
    const before = WEIGHTS.get('top/kernel')?.data ?? []
    const after = tensors.get('top/kernel')?.data ?? []
    const average = tensors.get('top/kernel#average')?.data ?? []
    for (let at = 0; at < before.length; at++) {
      const kept = before[at]! * (1 - 0.01 * 0.02)
      const moved = Math.abs(after[at]! - kept)
      expect(Math.min(Math.abs(moved - 0.01), moved)).toBeLessThan(1e-5)
      // After one step the average keeps (1 + 1) / (10 + 1) of the first weights.
      expect(average[at]).toBeCloseTo((2 / 11) * before[at]! + (9 / 11) * after[at]!, 5)
    }
  })

  it('moves the first layer by a share of the learning rate, the last by all of it', async () => {
    const { trainer } = await open({ ...OPTIONS, weightDecay: 0, firstRateShare: 0.25 })
    await trainer.step(request(0))
    const { tensors } = await trainer.read()
    const mostMoved = (name: string) =>
      Math.max(
        ...[...(tensors.get(name)?.data ?? [])].map((after, at) =>
          Math.abs(after - (WEIGHTS.get(name)?.data[at] ?? 0)),
        ),
      )
    expect(mostMoved('stem/kernel')).toBeCloseTo(0.0025, 5)
    expect(mostMoved('top/kernel')).toBeCloseTo(0.01 * 0.25 ** (3 / 5), 5)
    expect(mostMoved('classifier/bias')).toBeCloseTo(0.01, 5)
  })

  it('clips the gradient of all weights together', async () => {
    const sgd = { kind: 'sgd', momentum: 0.9 } as const
    const { trainer } = await open({ ...OPTIONS, optimiser: sgd, gradientClip: 0.01 })
    const { gradientNorm } = await trainer.step(request(0))
    expect(gradientNorm).toBeGreaterThan(0.01)
    const { tensors } = await trainer.read()
    const squares = [...tensors].flatMap(([name, { data }]) =>
      name.endsWith('#momentum') ? [...data].map((value) => value ** 2) : [],
    )
    expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))).toBeCloseTo(0.01, 6)
  })

  it('leaves everything as it was where the loss is not finite', async () => {
    const { trainer } = await open()
    await trainer.step(request(0))
    const before = await trainer.read()
    const broken = await trainer.step(
      request(1, { targets: targets.map((_, at) => (at === 0 ? Number.NaN : 0)) }),
    )
    expect(broken.isApplied).toBe(false)
    expect(values(await trainer.read())).toEqual(values(before))
    expect((await trainer.read()).steps).toBe(1)
    expect((await trainer.step(request(2))).isApplied).toBe(true)
  })

  it('leaves everything as it was where a gradient is not finite', async () => {
    const { trainer } = await open()
    const state = await trainer.read()
    const kernel = state.tensors.get('classifier/kernel')?.data
    kernel?.fill(Number.POSITIVE_INFINITY)
    await trainer.write(state)
    expect((await trainer.step(request(0))).isApplied).toBe(false)
    expect(values(await trainer.read())).toEqual(values(state))
  })

  it.each([
    ['photos', { photos: new Uint8Array(5) }, 'Expected 432 levels of photos, received 5'],
    ['targets', { targets: new Float32Array(2) }, 'Expected 12 targets, received 2'],
  ])('refuses %s of another length', async (_what, more, message) => {
    const { trainer } = await open()
    await expect(trainer.step(request(0, more))).rejects.toThrow(message)
  })

  it('refuses a state that lacks a tensor or has another shape', async () => {
    const { trainer } = await open()
    await expect(trainer.write({ steps: 0, tensors: new Map() })).rejects.toThrow(
      'Expected a state with stem/kernel of shape [8, 3, 3, 3], received none',
    )
    const { tensors } = await trainer.read()
    const other = new Map([...tensors, ['top/bias', wave([4], 0)] as const])
    await expect(trainer.write({ steps: 0, tensors: other })).rejects.toThrow(
      'Expected a state with top/bias of shape [16], received [4]',
    )
  })

  it('refuses a block that the network lacks, and one without logits', async () => {
    await expect(open({ ...OPTIONS, trainFrom: 'block99' })).rejects.toMatchObject({
      code: 'usage_invalid',
      message: "Expected a block or layer of small to train from, received 'block99'",
      hint: 'It has stem, top, classifier.',
    })
    const { logits: _, ...outputs } = NETWORK.outputs
    await expect(planTrainingStep({ ...NETWORK, outputs }, WEIGHTS, OPTIONS)).rejects.toMatchObject(
      { code: 'usage_invalid' },
    )
  })

  it('names a weight that is missing', async () => {
    const weights = new Map([...WEIGHTS].filter(([name]) => name !== 'top/bias'))
    await expect(planTrainingStep(NETWORK, weights, OPTIONS)).rejects.toMatchObject({
      code: 'backbone_damaged',
    })
  })

  it('trains the upper part alone where it should', async () => {
    const { step, trainer } = await open({ ...OPTIONS, trainFrom: 'top' })
    expect(step.parameters.map(({ name }) => name)).toEqual([
      'top/kernel',
      'top/bias',
      'classifier/kernel',
      'classifier/bias',
    ])
    expect((await trainer.step(request(0))).isApplied).toBe(true)
  })
})

describe('a batch norm that trains', () => {
  it('starts where the folded network is, and folds to it again', async () => {
    const statistics = await measureStatistics(NETWORK, WEIGHTS, {
      photos: PHOTOS,
      batches: [photos],
      threads: 1,
    })
    const plain = { ...OPTIONS, dropout: 0 }
    const { trainer: folded } = await open(plain)
    const { step, trainer } = await open({ ...plain, batchNorm: { statistics } })
    const state = await trainer.read()
    const weights = trainedWeights(step, state, { averaged: false })
    for (const [name, { data }] of WEIGHTS) {
      for (const [at, value] of (weights.get(name)?.data ?? new Float32Array()).entries()) {
        expect(value).toBeCloseTo(data[at] ?? Number.NaN, 4)
      }
    }
    // Its first batch is the one that was measured.
    const { loss } = await folded.step(request(0))
    expect((await trainer.step(request(0))).loss).toBeCloseTo(loss, 2)
  })

  it('keeps the statistics of the weights as they are, where a step looks uphill too', async () => {
    const statistics = await measureStatistics(NETWORK, WEIGHTS, {
      photos: PHOTOS,
      batches: [photos],
      threads: 1,
    })
    const running = async (more: Partial<TrainingOptions>) => {
      const { trainer } = await open({ ...OPTIONS, batchNorm: { statistics }, ...more })
      await trainer.step(request(0))
      const all = Object.entries(values(await trainer.read()))
      return all.filter(([name]) => name.endsWith('#mean') || name.endsWith('#variance'))
    }
    const plain = await running({})
    expect(plain).toHaveLength(4)
    expect(await running({ sharpness: { radius: 0.5, photos: PHOTOS } })).toEqual(plain)
  })
})
