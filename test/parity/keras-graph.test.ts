/** Whole classifiers that Keras saved, and the same for TensorFlow.js, answer as Keras does, on real photos. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ForeignModel } from '../../src/backbones/foreign-model.ts'
import { readKerasModel } from '../../src/backbones/readers/keras-graph/read-keras-model.ts'
import { readTfjs } from '../../src/backbones/readers/tensorflow-js/read-tfjs.ts'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from '../contract/datasets.ts'
import { runForeignModel, softmaxOf } from '../support/run-foreign-model.ts'
import { runPython } from './python.ts'

interface Made {
  readonly levels: string
  readonly output: string
  readonly rescales: boolean
}

const PHOTOS = 'grocery-store/val'
const NAMES = [
  'sequential',
  'skipping',
  'dilated',
  'squeezing',
  'separable',
  'nested',
  'binary',
  'mobilenet',
]
const FORMS = ['.keras', '.h5', '-old.h5', '-js', '-js-float16', '-js-uint16', '-js-uint8']
/** Keras 2 has another hard sigmoid, so that this one would be another classifier. */
const isMade = (name: string, form: string): boolean =>
  name !== 'squeezing' || form === '.keras' || form === '.h5'
const FILES = NAMES.flatMap((name) =>
  FORMS.filter((form) => isMade(name, form)).map((form) => `${name}${form}`),
)

describe.skipIf(!hasDatasets(PHOTOS))(`a classifier of Keras ${NEEDS_DATASETS}`, () => {
  let folder: string
  let made: Record<string, Made>
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'verger-keras-'))
    const photos = sample(findJpegs(PHOTOS), 6)
    made = (await runPython('keras_graphs.py', [folder, ...photos])) as Record<string, Made>
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Largest difference beside the largest number, over all photos. */
  async function compare(file: string, model: ForeignModel): Promise<number> {
    const { levels = '', output = '', rescales } = made[file] ?? {}
    // What does not tell takes levels where it rescales them itself, else −1 to 1.
    const told = rescales === true ? { mean: 0, divisor: 1 } : { mean: 127.5, divisor: 127.5 }
    const input = { ...model.network.input, ...(model.knowsScaling ? {} : told) }
    const network = { ...model.network, input }
    const photos = readFileSync(join(folder, levels))
    const rows = await runForeignModel({ ...model, network }, photos)
    const expected = new Float32Array(Uint8Array.from(readFileSync(join(folder, output))).buffer)
    const received = rows.flatMap((row) => endOf(model, row))
    expect(received).toHaveLength(expected.length)
    const differences = received.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)))
    return Math.max(...differences) / Math.max(...expected.map(Math.abs))
  }

  it('is made in every form', () => {
    expect(Object.keys(made).sort()).toEqual([...FILES, 'teachable.zip'].sort())
  })

  it.each(FILES)('gives the same numbers from %s', async (file) => {
    const path = join(folder, file)
    const model = await (file.includes('-js') ? readTfjs(path) : readKerasModel(path))
    expect(await compare(file, model)).toBeLessThan(1e-4)
  })

  it('of Teachable Machine has its labels and its scaling, and the same numbers', async () => {
    const model = await readTfjs(join(folder, 'teachable.zip'))
    expect(model.labels).toEqual(['Apple', 'Pear', 'Neither'])
    expect(model.knowsScaling).toBe(true)
    expect(model.network.input).toEqual({ size: 224, mean: 127, divisor: 127 })
    expect(model.notes.join(' ')).toContain('square in the middle')
    expect(await compare('teachable.zip', model)).toBeLessThan(1e-4)
  })
})

/** What the model gives, of the logits that Verger keeps: themselves, probabilities, or the odds of one class. */
function endOf({ notes }: ForeignModel, logits: Float32Array): number[] {
  if (notes.some((note) => note.includes('sigmoid'))) return softmaxOf(logits).slice(1)
  return notes.some((note) => note.includes('softmax at the end was'))
    ? softmaxOf(logits)
    : [...logits]
}
