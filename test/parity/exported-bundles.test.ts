/** A trained classifier, exported in both formats, gives the probabilities that `verger predict` gives. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleVersion, openPredictor, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeBundleFolder } from '../../dist/bundles/encode-bundle.js'
import { photoPath } from '../support/photos.ts'
import { createTinyBundle, TINY_LABELS, type TinyBundleOptions } from '../support/tiny-bundle.ts'
import {
  answered,
  askOnnxruntime,
  askTensorflow,
  type OnnxAnswers,
  type TensorflowAnswers,
} from './ask.ts'
import { compareAnswers } from './compare-answers.ts'
import { runVerger } from './run-verger.ts'

/** Largest difference of a probability. */
const TOLERANCE = 1e-3

const PLAIN = { size: 224, mirrored: false }
/** Temperatures at which the heads are neither certain nor undecided, so that a difference shows. */
const BUNDLES: Readonly<Record<string, TinyBundleOptions>> = {
  'unit length': { scaling: 'unit', temperature: 5 },
  'square roots': { scaling: 'root', temperature: 5 },
  'standard scaling': { scaling: 'standard', temperature: 1500 },
  'a mirrored view': { temperature: 5, views: [PLAIN, { size: 224, mirrored: true }] },
  'views of two sizes, mirrored too': {
    temperature: 5,
    views: [288, 448].flatMap((size) => [false, true].map((mirrored) => ({ size, mirrored }))),
  },
}
/** Below 448 pixels, so that no view reduces them while they are decoded. */
const PHOTOS = ['baseline.jpg', 'rgb.png', 'palette.png', 'alpha.png', 'grey.jpg'].map(photoPath)

const { limits } = readConfig({})
const names = Object.keys(BUNDLES)
const folder = mkdtempSync(join(tmpdir(), 'verger-exported-bundles-'))
const exported = (index: number, format: string): string => join(folder, `${index}-${format}`)
let inTensorflow: readonly TensorflowAnswers[]
let inOnnxruntime: readonly OnnxAnswers[]

beforeAll(async () => {
  for (const [index, name] of names.entries()) {
    const bundle = join(folder, `${index}`)
    await writeBundleFolder(await createTinyBundle(BUNDLES[name]), bundle)
    for (const format of ['saved-model', 'onnx']) {
      await runVerger(['export', bundle, '--format', format, '--out', exported(index, format)])
    }
  }
  const batches = [PHOTOS.map((path) => ({ path }))]
  inTensorflow = await askTensorflow(
    names.map((_, index) => ({ model: exported(index, 'saved-model'), batches })),
  )
  inOnnxruntime = await askOnnxruntime(
    names.map((_, index) => ({
      model: join(exported(index, 'onnx'), 'model.onnx'),
      photos: PHOTOS,
    })),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each([...names.entries()].map(([index, name]) => ({ index, name })))(
  '$name',
  ({ index, name }) => {
    it('answers in TensorFlow and in onnxruntime as before', async () => {
      const predictor = openPredictor({
        workers: 1,
        limits,
        versions: bundleVersion(await createTinyBundle(BUNDLES[name])),
      })
      try {
        const tensorflow = answered(inTensorflow[index]?.[0])
        for (const [place, photo] of PHOTOS.entries()) {
          const prediction = await predictor.predict({ source: photo, photo, top: 3 })
          const onnx = inOnnxruntime[index]?.answers[place]
          for (const probabilities of [tensorflow.probabilities[place], onnx?.probabilities]) {
            const difference = compareAnswers(probabilities ?? [], TINY_LABELS, prediction)
            expect(difference.largest).toBeLessThanOrEqual(TOLERANCE)
            expect(difference.isSameTop5).toBe(true)
          }
          const best = prediction.top.map(({ label }) => label)
          expect(tensorflow.labels[place]).toEqual(best)
          expect(onnx?.indices.map((label) => TINY_LABELS[label])).toEqual(best)
          expect(prediction.top[0]?.score).toBeLessThan(0.9999)
        }
      } finally {
        await predictor.close()
      }
    })
  },
)
