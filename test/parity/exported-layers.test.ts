/** Every kind of layer, exported in both formats, gives the same in TensorFlow and in onnxruntime. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeExport } from '../../dist/bundles/export/write-export.js'
import { ACTIVATIONS, type Layer, type Network } from '../../dist/tensor/network.js'
import { inferShapes } from '../../dist/tensor/network-shapes.js'
import { photoPath } from '../support/photos.ts'
import { randomWeights } from '../support/random-weights.ts'
import {
  answered,
  askOnnxruntime,
  askTensorflow,
  type OnnxAnswers,
  type TensorflowAnswers,
} from './ask.ts'

/** Largest difference of a probability: the same arithmetic in another order. */
const TOLERANCE = 2e-5
const SIZE = 19
const LABELS = ['apple', 'pear', 'plum', 'fig', 'quince']

const folder = mkdtempSync(join(tmpdir(), 'verger-layers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Of the size of the input, so that nothing is resized before the layers. */
const photos = ['rgb.png', 'palette.png', 'large.jpg'].map((name) => ({
  from: photoPath(name),
  path: join(folder, `${name}-${SIZE}.png`),
}))

/** Layers between a stem of 12 channels and a dense classifier. */
function networkOf(name: string, layers: readonly Layer[]): Network {
  const stem: Layer = {
    ...{ op: 'conv', name: 'stem', input: -1, filters: 12, kernelSize: 3, stride: 1 },
    ...{ padding: 'same', groups: 1 },
  }
  const all: Layer[] = [stem, ...layers]
  const input = { size: SIZE, mean: [120, 110, 100], divisor: [60, 61, 62] } as const
  const isMap = inferShapes({ input, layers: all }).at(-1)?.height !== undefined
  if (isMap) all.push({ op: 'global-average-pool', input: all.length - 1 })
  const features = all.length - 1
  all.push({ op: 'dense', name: 'classifier', input: features, units: LABELS.length })
  const width = inferShapes({ input, layers: all })[features]?.channels ?? 0
  return {
    name,
    input,
    layers: all,
    outputs: {
      features: { layer: features, width },
      logits: { layer: features + 1, width: LABELS.length },
    },
  }
}

const conv = { op: 'conv', name: 'conv', input: 0, filters: 12, kernelSize: 3 } as const
const pool = { input: 0, kernelSize: 3, stride: 2 } as const

const CASES: Readonly<Record<string, readonly Layer[]>> = {
  'conv, SAME, stride 2': [{ ...conv, stride: 2, padding: 'same', groups: 1 }],
  'conv, VALID, oblong': [
    { ...conv, kernelSize: [1, 5], stride: [2, 1], padding: 'valid', groups: 1 },
  ],
  'conv, explicit padding, dilated': [
    { ...conv, stride: 1, padding: [2, 1, 0, 3], dilation: 2, groups: 1 },
  ],
  'conv in groups': [{ ...conv, filters: 8, stride: 2, padding: [1, 1, 1, 1], groups: 4 }],
  'conv in dilated groups': [
    { ...conv, filters: 6, stride: 1, padding: 'same', dilation: [2, 1], groups: 2 },
  ],
  depthwise: [{ ...conv, stride: 2, padding: 'same', groups: 12 }],
  'depthwise with a multiplier': [{ ...conv, filters: 36, stride: 1, padding: 'same', groups: 12 }],
  'depthwise, dilated': [{ ...conv, stride: 1, padding: 'same', dilation: 3, groups: 12 }],
  'depthwise, other stride across': [
    { ...conv, kernelSize: [3, 5], stride: [2, 3], padding: 'same', groups: 12 },
  ],
  'depthwise, explicit padding': [{ ...conv, stride: 2, padding: [1, 0, 2, 1], groups: 12 }],
  'max-pool, SAME': [{ op: 'max-pool', ...pool, padding: 'same' }],
  'max-pool, explicit padding': [{ op: 'max-pool', ...pool, padding: [1, 1, 1, 1] }],
  'average-pool, SAME': [{ op: 'average-pool', ...pool, padding: 'same' }],
  'average-pool, SAME, counting': [
    { op: 'average-pool', ...pool, padding: 'same', countsPadding: true },
  ],
  'average-pool, explicit padding': [
    { op: 'average-pool', ...pool, stride: [1, 2], padding: [1, 0, 2, 1] },
  ],
  'average-pool, explicit padding, counting': [
    { op: 'average-pool', ...pool, padding: [1, 1, 1, 1], countsPadding: true },
  ],
  'scale of a map': [{ op: 'scale', name: 'scale', input: 0 }],
  'scale of a vector': [
    { op: 'global-max-pool', input: 0 },
    { op: 'scale', name: 'scale', input: 1 },
  ],
  'squeeze and excite': [
    { op: 'global-average-pool', input: 0, staysMap: true },
    { op: 'sigmoid', input: 1 },
    { op: 'multiply', inputs: [0, 2] },
    { op: 'add', inputs: [3, 0] },
  ],
  'a vector as a map': [
    { op: 'global-average-pool', input: 0 },
    { op: 'dense', name: 'gate', input: 1, units: 12 },
    { op: 'to-map', input: 2 },
    { op: 'multiply', inputs: [0, 3] },
  ],
  'concat of maps': [
    { op: 'relu', input: 0 },
    { op: 'concat', inputs: [0, 1, 0] },
  ],
  'concat of vectors': [
    { op: 'global-average-pool', input: 0 },
    { op: 'global-max-pool', input: 0 },
    { op: 'concat', inputs: [1, 2] },
  ],
  'pad before an average': [
    { op: 'pad', input: 0, padding: [1, 0, 2, 1] },
    { op: 'average-pool', input: 1, kernelSize: 3, stride: 2, padding: 'valid' },
  ],
  'pad before a convolution': [
    { op: 'pad', input: 0, padding: [1, 0, 2, 1] },
    { ...conv, input: 1, stride: 2, padding: 'valid', groups: 1 },
  ],
  'pad before a maximum': [
    { op: 'pad', input: 0, padding: [1, 0, 2, 1] },
    { op: 'max-pool', input: 1, kernelSize: 3, stride: 2, padding: 'valid' },
  ],
  'flatten, channels slowest': [
    { op: 'max-pool', input: 0, kernelSize: 7, stride: 6, padding: 'valid' },
    { op: 'flatten', input: 1, channels: 'slowest' },
  ],
  'flatten, channels fastest': [
    { op: 'max-pool', input: 0, kernelSize: 7, stride: 6, padding: 'valid' },
    { op: 'flatten', input: 1, channels: 'fastest' },
  ],
  ...Object.fromEntries(
    ACTIVATIONS.map(
      (op) =>
        [
          op,
          [
            { op, input: 0 },
            { op: 'scale', name: 'after', input: 1 },
          ],
        ] as const,
    ),
  ),
  'a vector of unit length': [
    { op: 'global-average-pool', input: 0 },
    { op: 'unit', input: 1 },
    { op: 'scale', name: 'after', input: 2 },
  ],
  mirror: [
    { op: 'mirror', input: 0 },
    { ...conv, input: 1, stride: 2, padding: 'same', groups: 1 },
  ],
  clip: [{ op: 'clip', input: 0, least: -0.2, most: 0.4 }],
  'round, halves to even': [{ op: 'round', input: 0, halves: 'even' }],
  'round, halves up': [{ op: 'round', input: 0, halves: 'up' }],
  'leaky-relu with alpha': [{ op: 'leaky-relu', input: 0, alpha: 0.3 }],
  'elu with alpha': [{ op: 'elu', input: 0, alpha: 0.7 }],
}

const networks = Object.entries(CASES).map(([name, layers], index) => ({
  name,
  network: networkOf(`network-${index}`, layers),
}))
const saved = (network: Network): string => join(folder, `${network.name}-tf`)
const onnx = (network: Network): string => join(folder, `${network.name}-onnx`)

let inTensorflow: readonly TensorflowAnswers[]
let inOnnxruntime: readonly OnnxAnswers[]
beforeAll(async () => {
  for (const { from, path } of photos) {
    await sharp(from).resize(SIZE, SIZE, { fit: 'fill' }).png().toFile(path)
  }
  for (const { network } of networks) {
    const classifier = {
      name: network.name,
      network,
      weights: randomWeights(network),
      labels: LABELS,
      views: [{ size: SIZE, mirrored: false }],
      origin: { backbone: { id: network.name, sha256: '', licence: 'Apache-2.0' } },
    }
    await writeExport(classifier, 'saved-model', saved(network))
    await writeExport(classifier, 'onnx', onnx(network))
  }
  const batches = [photos.map(({ path }) => ({ path }))]
  inTensorflow = await askTensorflow(
    networks.map(({ network }) => ({ model: saved(network), batches })),
  )
  inOnnxruntime = await askOnnxruntime(
    networks.map(({ network }) => ({
      model: join(onnx(network), 'model.onnx'),
      photos: photos.map(({ path }) => path),
    })),
  )
})

it.each([...networks.entries()].map(([index, { name }]) => ({ index, name })))(
  '$name',
  ({ index }) => {
    const { probabilities } = answered(inTensorflow[index]?.[0])
    const answers = inOnnxruntime[index]?.answers ?? []
    expect(answers).toHaveLength(photos.length)
    for (const [photo, answer] of answers.entries()) {
      const differences = answer.probabilities.map((value, label) =>
        Math.abs(value - (probabilities[photo]?.[label] ?? Number.NaN)),
      )
      expect(differences).toHaveLength(LABELS.length)
      expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE)
      // A network that says the same whatever it sees would pass too.
      expect(Math.max(...answer.probabilities)).toBeLessThan(0.9999)
    }
  },
)
