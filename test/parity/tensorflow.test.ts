/** SavedModels that Keras and TensorFlow write, read by Verger, beside what TensorFlow computes with them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ForeignModel } from '../../src/backbones/foreign-model.ts'
import { readSavedModel } from '../../src/backbones/readers/saved-model/read-saved-model.ts'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from '../contract/datasets.ts'
import { runPython } from './python.ts'
import { relativeDifference, runNetwork } from './run-network.ts'

/** Largest difference of a logit beside the largest logit. */
const TOLERANCE = 1e-4

interface Answer {
  readonly name: string
  readonly size: number
  /** Of each photo. */
  readonly logits: readonly (readonly number[])[]
}

const WRITERS = ['exported', 'saved']
/** Each with whether its graph scales the photo itself. */
const NETWORKS = [
  ['mobilenet-v2', false],
  ['inception-v3', false],
  ['rescaled', true],
  ['small', true],
] as const

const FIXTURES = fileURLToPath(new URL('../fixtures/models/tensorflow/', import.meta.url))

const isHere = hasDatasets('grocery-store')
const folder = mkdtempSync(join(tmpdir(), 'verger-tensorflow-'))
let answers: readonly Answer[] = []
beforeAll(async () => {
  if (!isHere) return
  const photos = sample(findJpegs('grocery-store/val'), 6)
  answers = (await runPython('tensorflow_models.py', [folder, ...photos])) as Answer[]
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!isHere)(`a SavedModel of a Keras network ${NEEDS_DATASETS}`, () => {
  const cases = NETWORKS.flatMap(([network, scales]) =>
    WRITERS.map((writer) => [`${network}-${writer}`, scales] as const),
  )

  it.each(cases)('gives the logits of TensorFlow: %s', async (name, scales) => {
    const { knowsScaling } = await compare(join(folder, name), name, (logits) => logits)
    expect(knowsScaling).toBe(scales)
  })

  const fixtures = readdirSync(FIXTURES).filter((name) => name.startsWith('tf'))
  it.each(fixtures)(
    'that decodes photos gives the probabilities of TensorFlow: %s',
    async (name) => {
      // The logarithms of probabilities are logits whose powers add up to 1.
      const { knowsScaling } = await compare(join(FIXTURES, name), name, (logits) => {
        const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
        return logits.map((logit) => logit - Math.log(sum))
      })
      expect(knowsScaling).toBe(true)
    },
  )
})

/** Reads a model and compares it with TensorFlow, photo by photo. */
async function compare(
  path: string,
  name: string,
  change: (logits: Float32Array) => Float32Array,
): Promise<ForeignModel> {
  const answer = answers.find((one) => one.name === name)
  if (answer === undefined) throw new Error(`Expected ${name} among the answers`)
  const model = readSavedModel(path)
  expect(model.network.input.size).toBe(answer.size)
  const pixels = readFileSync(join(folder, `${answer.size}.rgb`))
  const perPhoto = answer.size * answer.size * 3
  expect(pixels).toHaveLength(answer.logits.length * perPhoto)
  for (const [at, expected] of answer.logits.entries()) {
    const photo = pixels.subarray(at * perPhoto, (at + 1) * perPhoto)
    const { logits } = await runNetwork(model.network, model.weights, photo)
    const received = change(logits ?? new Float32Array())
    expect(relativeDifference(received, expected)).toBeLessThanOrEqual(TOLERANCE)
  }
  // Photos that all give one answer would prove little.
  const [first = [], second = []] = answer.logits
  expect(relativeDifference(Float32Array.from(first), second)).toBeGreaterThan(0.005)
  return model
}
