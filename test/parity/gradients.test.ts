/** Gradients of whole architectures beside those of TensorFlow's GradientTape. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  ARCHITECTURE_IDS,
  describeNetwork,
  findArchitecture,
} from '../../dist/backbones/architectures.js'
import { planTrainingStep } from '../../dist/tensor/gradients/plan-training-step.js'
import { targetsOf } from '../../dist/tensor/gradients/targets.js'
import { openTrainer } from '../../dist/tensor/gradients/trainer.js'
import type { Weights } from '../../dist/tensor/tensor.js'
import { randomWeights } from '../support/random-weights.ts'
import { runPython } from './python.ts'

const CLASSES = 7
const PHOTOS = 3
const SIZE = 96
/**
 * Of the length of a weight's gradient. A number within rounding of the bend of an activation takes the other side, which every
 * layer below then carries on: 0.5 % is the most that was seen, under the ninety convolutions of Inception-v3.
 */
const TOLERANCE = 1e-2
const lengthOf = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))

const folder = mkdtempSync(join(tmpdir(), 'verger-gradients-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(ARCHITECTURE_IDS)('%s', (id) => {
  it('has the gradients of TensorFlow', async () => {
    const network = describeNetwork(findArchitecture(id), { size: SIZE, classes: CLASSES })
    const weights: Weights = randomWeights(network)
    const levels = Uint8Array.from(
      { length: PHOTOS * SIZE * SIZE * 3 },
      (_, at) => Math.imul(at + 1, 2654435761) >>> 24,
    )
    const targets = targetsOf([0, 3, 6], {
      classes: CLASSES,
      labelSmoothing: 0.1,
      classWeights: Float32Array.of(1, 1, 1, 0.5, 1, 1, 1.5),
    })
    const step = await planTrainingStep(network, weights, {
      batchSize: PHOTOS,
      optimiser: { kind: 'sgd', momentum: 0.9 },
      weightDecay: 0,
      batchNorm: 'frozen',
    })
    const trainer = await openTrainer(step, { threads: 2 })
    const { loss } = await trainer.step({ photos: levels, targets, learningRate: 0.1 })
    const { tensors } = await trainer.read()
    await trainer.close()

    const floats = step.parameters.map(({ name }) => weights.get(name)?.data ?? new Float32Array())
    writeFileSync(
      join(folder, 'network.json'),
      JSON.stringify({
        input: network.input,
        layers: network.layers,
        weights: step.parameters.map(({ name, dims }) => [name, dims]),
      }),
    )
    const bytes = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    writeFileSync(join(folder, 'weights.f32'), Buffer.concat(floats.map(bytes)))
    writeFileSync(join(folder, 'photos.u8'), levels)
    writeFileSync(join(folder, 'targets.f32'), bytes(targets))
    const answer = (await runPython('gradients.py', [folder])) as { loss: number }
    expect(loss / answer.loss).toBeCloseTo(1, 4)
    const { buffer, byteOffset, length } = readFileSync(join(folder, 'gradients.f32'))
    const expected = new Float32Array(buffer.slice(byteOffset, byteOffset + length))
    let from = 0
    for (const { name } of step.parameters) {
      // After the first step the momentum is the gradient.
      const received = tensors.get(`${name}#momentum`)?.data ?? new Float32Array()
      const theirs = expected.subarray(from, from + received.length)
      from += received.length
      const distance = lengthOf(received.map((value, at) => value - (theirs[at] ?? 0)))
      expect(distance, name).toBeLessThan(TOLERANCE * Math.max(lengthOf(theirs), 1e-7))
    }
    expect(from).toBe(expected.length)
  })
})
