/** Classifiers that tf.lite converted answer as TensorFlow's own interpreter does, on real photos. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ForeignModel } from '../../src/backbones/foreign-model.ts'
import { readTflite } from '../../src/backbones/readers/tflite/read-tflite.ts'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from '../contract/datasets.ts'
import { runForeignModel, softmaxOf } from '../support/run-foreign-model.ts'
import { runPython } from './python.ts'

interface Made {
  readonly levels: string
  readonly kind: string
  readonly rescales: boolean
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const REAL = join(
  resolve(root, process.env['VERGER_MODELS'] ?? '../shared/models'),
  'tf2_mobilenet_v2_1.0_224_ptq.tflite',
)
const VALIDATION = 'grocery-store/val'
const hasPhotos = hasDatasets(VALIDATION)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-tflite-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const readRows = (file: string, count: number): Float32Array[] => {
  const values = new Float32Array(Uint8Array.from(readFileSync(join(folder, file))).buffer)
  const width = values.length / count
  return Array.from({ length: count }, (_, at) => values.subarray(at * width, (at + 1) * width))
}

/** What the file gives, of the logits that Verger keeps: themselves, probabilities, or the odds of one class. */
function endOf({ notes }: ForeignModel, logits: Float32Array): number[] {
  if (notes.some((note) => note.includes('sigmoid'))) return softmaxOf(logits).slice(1)
  return notes.some((note) => note.includes('softmax at the end was'))
    ? softmaxOf(logits)
    : [...logits]
}

/** Levels enter as they are where the graph rescales them, else as −1 to 1; not every file tells. */
async function readMade(name: string, { rescales }: Made): Promise<ForeignModel> {
  const model = await readTflite(join(folder, `${name}.tflite`))
  if (model.knowsScaling) return model
  const input = rescales ? { mean: 0, divisor: 1 } : { mean: 127.5, divisor: 127.5 }
  return { ...model, network: { ...model.network, input: { ...model.network.input, ...input } } }
}

/** Largest difference beside the largest number, and how often the best class is the interpreter's, over all photos. */
async function compare(name: string, made: Made) {
  const model = await readMade(name, made)
  const rows = await runForeignModel(model, readFileSync(join(folder, made.levels)))
  const expected = readRows(`${name}.output`, rows.length)
  let difference = 0
  let agreeing = 0
  for (const [at, row] of expected.entries()) {
    const received = endOf(model, rows[at] ?? new Float32Array())
    expect(received).toHaveLength(row.length)
    const largest = Math.max(...row.map((value, index) => Math.abs(value - (received[index] ?? 0))))
    difference = Math.max(difference, largest)
    // Steps of 8 bit make some classes equal; any of the best will do.
    const best = received.indexOf(Math.max(...received))
    if (row[best] === Math.max(...row)) agreeing++
  }
  const scale = Math.max(...expected.flatMap((row) => [...row].map(Math.abs)))
  return { difference: difference / scale, agreement: agreeing / rows.length }
}

/**
 * Weights of 8 bit alone: TensorFlow rounds what meets them too, by each photo's own range, and Verger does not. All in
 * 8 bit: the interpreter rounds and clips the logits and the probabilities, and Verger does not.
 */
const TOLERANCES: Readonly<Record<string, number>> = {
  float: 1e-4,
  float16: 1e-4,
  dynamic: 0.02,
  int8: 0.05,
  uint8: 0.05,
}

describe.skipIf(!hasPhotos)(`a file of tf.lite ${NEEDS_DATASETS}`, () => {
  it.each([
    ['small classifiers of many shapes', 'small', 35, 24],
    ['MobileNetV2 of Keras', 'mobilenet', 4, 8],
  ])('computes what the interpreter computes: %s', async (_words, which, count, photoCount) => {
    const photos = sample(findJpegs(VALIDATION), photoCount)
    const args = [folder, which, ...photos]
    const made = (await runPython('tflite_models.py', args)) as Record<string, Made>
    expect(Object.keys(made)).toHaveLength(count)
    for (const [name, model] of Object.entries(made)) {
      if (name.startsWith('dilated')) {
        await expect(readMade(name, model)).rejects.toThrow('SPACE_TO_BATCH_ND')
        continue
      }
      const { difference, agreement } = await compare(name, model)
      expect.soft(difference, name).toBeLessThan(TOLERANCES[model.kind] ?? 0)
      expect.soft(agreement, name).toBe(1)
    }
  })
})

describe.skipIf(!hasPhotos || !existsSync(REAL))(
  `MobileNetV2 of ImageNet in 8 bit (skipped unless VERGER_MODELS has it) ${NEEDS_DATASETS}`,
  () => {
    it('has the interpreter\u2019s best class on at least 98 of 100 photos, and its numbers', async () => {
      const photos = findJpegs(VALIDATION)
      await runPython('tflite_answers.py', [REAL, folder, ...photos])
      const model = await readTflite(REAL)
      expect(model.network.outputs['logits']?.width).toBe(1001)
      expect(model.knowsScaling).toBe(true)
      const rows = await runForeignModel(model, readFileSync(join(folder, 'answers.levels')))
      const expected = readRows('answers.output', rows.length)
      let agreeing = 0
      let difference = 0
      for (const [at, row] of expected.entries()) {
        const received = softmaxOf(rows[at] ?? new Float32Array())
        if (row[received.indexOf(Math.max(...received))] === Math.max(...row)) agreeing++
        for (const [index, value] of row.entries()) {
          difference = Math.max(difference, Math.abs(value - (received[index] ?? 0)))
        }
      }
      expect(rows.length).toBeGreaterThan(200)
      expect(agreeing / rows.length).toBeGreaterThanOrEqual(0.98)
      // The interpreter rounds logits to steps of 0.063, cuts them off at 11.4, and rounds probabilities to steps of 1/256.
      expect(difference).toBeLessThan(0.1)
    })
  },
)
