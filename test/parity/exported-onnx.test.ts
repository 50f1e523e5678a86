/** What `verger export --format onnx` writes, run by Python's onnxruntime, beside what Verger says of the same photos. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { openPredictor, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import { writeExport } from '../../dist/bundles/export/write-export.js'
import type { Network } from '../../dist/tensor/network.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from '../contract/datasets.ts'
import { photoPath, readPhoto } from '../support/photos.ts'
import { randomWeights } from '../support/random-weights.ts'
import { answered, askOnnxruntime, askTensorflow, type OnnxAnswers } from './ask.ts'
import { compareAnswers } from './compare-answers.ts'
import { runVerger } from './run-verger.ts'

/** Largest difference of a probability. */
const TOLERANCE = 1e-3
/** The same for photos that Verger reduces while it decodes them. */
const REDUCED_TOLERANCE = 0.03

const { labels } = findBackbone('efficientnet-lite0')
const { limits } = readConfig({})
const folder = mkdtempSync(join(tmpdir(), 'verger-exported-onnx-'))
const predictor = openPredictor({ workers: 2, limits })
afterAll(async () => {
  await predictor.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('an export as ONNX', () => {
  const shop = hasDatasets('grocery-store') ? sample(findJpegs('grocery-store/val'), 100) : []
  const upright = ['baseline.jpg', 'grey.jpg', 'exif-6.jpg', 'display-p3.jpg', 'alpha.png']
  const big = ['large.jpg', 'phone.jpg']
  const pathOf = (name: string) => (name === 'phone.jpg' ? join(folder, name) : photoPath(name))
  let onnx: OnnxAnswers | undefined
  beforeAll(async () => {
    const out = join(folder, 'lite0')
    await runVerger(['export', 'efficientnet-lite0', '--format', 'onnx', '--out', out])
    const phone = sharp(readPhoto('large.jpg')).resize(4032, 3024, { kernel: 'cubic' })
    writeFileSync(pathOf('phone.jpg'), await phone.jpeg({ quality: 90 }).toBuffer())
    const photos = [...upright.map(pathOf), ...big.map(pathOf), ...shop]
    ;[onnx] = await askOnnxruntime([{ model: join(out, 'model.onnx'), photos }])
  })

  async function compareAt(index: number, path: string) {
    const { probabilities = [] } = onnx?.answers[index] ?? {}
    const prediction = await predictor.predict({ source: path, photo: path, top: labels.length })
    return { name: basename(path), ...compareAnswers(probabilities, labels, prediction) }
  }

  it('carries labels, preprocessing and licence', () => {
    const { metadata = {} } = onnx ?? {}
    expect(JSON.parse(metadata['labels'] ?? '')).toEqual(labels)
    expect(JSON.parse(metadata['preprocessing'] ?? '')).toEqual({
      squash: 'pillow-bicubic',
      mean: [127, 127, 127],
      divisor: [128, 128, 128],
      views: [{ size: 224, mirrored: false }],
    })
    expect(metadata['licence']).toBe('Apache-2.0')
  })

  it.each([...upright.entries()])('answers as Verger does: %i %s', async (index, name) => {
    const { largest, isSameTop5 } = await compareAt(index, pathOf(name))
    expect(largest).toBeLessThanOrEqual(TOLERANCE)
    expect(isSameTop5).toBe(true)
  })

  it.each([...big.entries()])('comes close for big photos: %i %s', async (index, name) => {
    const { largest } = await compareAt(upright.length + index, pathOf(name))
    expect(largest).toBeLessThanOrEqual(REDUCED_TOLERANCE)
  })

  it('names the ten best by their index', () => {
    for (const { probabilities, scores, indices } of onnx?.answers ?? []) {
      const best = [...probabilities].sort((a, b) => b - a).slice(0, 10)
      expect(scores).toEqual(best)
      expect(indices.map((index) => probabilities[index])).toEqual(best)
    }
  })

  it.skipIf(shop.length === 0)(
    `answers as Verger does for photos of the shop ${NEEDS_DATASETS}`,
    async () => {
      const differences = await Promise.all(
        shop.map((path, index) => compareAt(upright.length + big.length + index, path)),
      )
      expect(differences.filter(({ largest }) => !(largest <= TOLERANCE))).toEqual([])
      expect(differences.filter(({ isSameTop5 }) => !isSameTop5)).toEqual([])
    },
  )
})

/** Maxima over squares of the photo as it was squashed, so that a level somewhere shows. */
function windowsOf(size: number): Network {
  const positions = Math.floor(size / 13)
  return {
    name: `windows-${size}`,
    input: { size, mean: 127.5, divisor: 127.5 },
    layers: [
      { op: 'max-pool', input: -1, kernelSize: 13, stride: 13, padding: 'valid' },
      { op: 'flatten', input: 0, channels: 'slowest' },
      { op: 'dense', name: 'classifier', input: 1, units: 3 },
    ],
    outputs: {
      features: { layer: 1, width: 3 * positions ** 2 },
      logits: { layer: 2, width: 3 },
    },
  }
}

it('squashes to even and odd sizes as TensorFlow does with a SavedModel', async () => {
  const photos = ['baseline.jpg', 'palette.png', 'progressive.jpg', 'one-pixel.png'].map(photoPath)
  const networks = [224, 299, 331].map(windowsOf)
  const out = (network: Network, format: string) => join(folder, `${network.name}-${format}`)
  for (const network of networks) {
    const classifier = {
      name: network.name,
      network,
      weights: randomWeights(network),
      labels: ['apple', 'pear', 'plum'],
      views: [{ size: network.input.size, mirrored: false }],
      origin: { backbone: { id: network.name, sha256: '', licence: 'Apache-2.0' } },
    }
    for (const format of ['saved-model', 'onnx'] as const) {
      await writeExport(classifier, format, out(network, format))
    }
  }
  const inTensorflow = await askTensorflow(
    networks.map((network) => ({
      model: out(network, 'saved-model'),
      batches: [photos.map((path) => ({ path }))],
    })),
  )
  const inOnnxruntime = await askOnnxruntime(
    networks.map((network) => ({ model: join(out(network, 'onnx'), 'model.onnx'), photos })),
  )
  for (const [index, { answers }] of inOnnxruntime.entries()) {
    const { probabilities } = answered(inTensorflow[index]?.[0])
    for (const [photo, answer] of answers.entries()) {
      const differences = answer.probabilities.map((value, label) =>
        Math.abs(value - (probabilities[photo]?.[label] ?? Number.NaN)),
      )
      expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE)
    }
  }
})
