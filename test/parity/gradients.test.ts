/** Gradients of whole architectures beside those of TensorFlow's GradientTape. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import {
  ARCHITECTURE_IDS,
  describeNetwork,
  findArchitecture,
} from '../../dist/backbones/architectures.js'
import { NORM_EPSILON } from '../../dist/tensor/gradients/batch-norm.js'
import { measureStatistics } from '../../dist/tensor/gradients/measure-statistics.js'
import { planTrainingStep } from '../../dist/tensor/gradients/plan-training-step.js'
import { targetsOf } from '../../dist/tensor/gradients/targets.js'
import { openTrainer } from '../../dist/tensor/gradients/trainer.js'
import type { Network } from '../../dist/tensor/network.js'
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
const BENT_TOLERANCE = 1e-2
/** Without bends, 0.001 % is the most that was seen. */
const SMOOTH_TOLERANCE = 1e-4
const NONE = new Float32Array()
const lengthOf = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))

const folder = mkdtempSync(join(tmpdir(), 'verger-gradients-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** With an activation that has no bends: what passes a batch norm that trains reaches every number of its channel. */
function smooth(network: Network): Network {
  const layers = network.layers.map((layer) =>
    layer.op === 'relu6' ? ({ ...layer, op: 'silu' } as const) : layer,
  )
  return { ...network, layers }
}

it.each([
  ...ARCHITECTURE_IDS.map((id) => ({ id, batchNorm: 'frozen' as const })),
  // At 96 pixels Inception-v3 ends with maps of one position: too few numbers for statistics of a batch.
  { id: 'efficientnet-lite0', batchNorm: 'training' as const },
  { id: 'mobilenet-v2', batchNorm: 'training' as const },
])('$id has the gradients of TensorFlow, batch norm $batchNorm', async ({ id, batchNorm }) => {
  const described = describeNetwork(findArchitecture(id), { size: SIZE, classes: CLASSES })
  const network = batchNorm === 'frozen' ? described : smooth(described)
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
  const measured = { photos: PHOTOS, batches: [levels], threads: 2 }
  const step = await planTrainingStep(network, weights, {
    batchSize: PHOTOS,
    optimiser: { kind: 'sgd', momentum: 0.9 },
    weightDecay: 0,
    batchNorm:
      batchNorm === 'frozen'
        ? batchNorm
        : { statistics: await measureStatistics(network, weights, measured) },
  })
  const trainer = await openTrainer(step, { threads: 2 })
  const { loss, gradientNorm } = await trainer.step({ photos: levels, targets, learningRate: 0.1 })
  const { tensors } = await trainer.read()
  await trainer.close()

  const floats = step.parameters.map(({ name }) => step.initial.get(name)?.data ?? NONE)
  writeFileSync(
    join(folder, 'network.json'),
    JSON.stringify({
      input: network.input,
      layers: network.layers,
      weights: step.parameters.map(({ name, dims }) => [name, dims]),
      normEpsilon: NORM_EPSILON,
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
  const tolerance = batchNorm === 'frozen' ? BENT_TOLERANCE : SMOOTH_TOLERANCE
  let from = 0
  for (const { name } of step.parameters) {
    // After the first step the momentum is the gradient.
    const received = tensors.get(`${name}#momentum`)?.data ?? NONE
    const theirs = expected.subarray(from, from + received.length)
    from += received.length
    const distance = lengthOf(received.map((value, at) => value - (theirs[at] ?? 0)))
    // What the next batch norm takes off again has no gradient but for rounding.
    const length = Math.max(lengthOf(theirs), 1e-3 * gradientNorm)
    expect(distance / length, name).toBeLessThan(tolerance)
  }
  expect(from).toBe(expected.length)
})
