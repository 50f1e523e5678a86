/**
 * Photos per second of training steps of EfficientNet-Lite0, on constant photos.
 *
 *   echo SECONDS | node bench/train-step.mjs FROM SIZE BATCH THREADS PHOTO…
 *
 * FROM is the first block that trains, or "all": everything, with batch norm by the statistics of each batch. Where photos are
 * given, what does not train computes in 8 bit, fitted to them, as in a fine-tuning. It says "ready"
 * after two steps; each line of standard input, the seconds to measure for, is answered by one number.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describeNetwork, findArchitecture } from '../dist/backbones/architectures.js'
import { findBackbone } from '../dist/backbones/catalog.js'
import { readWeights } from '../dist/features/inference-graph.js'
import { quantizeBackbone } from '../dist/features/quantize-backbone.js'
import { measureStatistics } from '../dist/tensor/gradients/measure-statistics.js'
import { planTrainingStep } from '../dist/tensor/gradients/plan-training-step.js'
import { targetsOf } from '../dist/tensor/gradients/targets.js'
import { openTrainer } from '../dist/tensor/gradients/trainer.js'

const CLASSES = 81
const [from, ...others] = process.argv.slice(2)
const [size, batchSize, threads] = others.slice(0, 3).map(Number)
const files = others.slice(3)

const network = describeNetwork(findArchitecture('efficientnet-lite0'), { size, classes: CLASSES })
const model = readFileSync(new URL('../weights/efficientnet-lite0.onnx', import.meta.url))
const weights = new Map(readWeights(model))
const kernel = Float32Array.from({ length: CLASSES * 1280 }, (_, at) => Math.sin(at) / 100)
weights.set('classifier/kernel', { dims: [CLASSES, 1280], data: kernel })
weights.set('classifier/bias', { dims: [CLASSES], data: new Float32Array(CLASSES) })
const photos = Uint8Array.from(
  { length: batchSize * size * size * 3 },
  (_, at) => (at * 2654435761) >>> 24,
)
const everything = from === 'all'
const rounded =
  files.length === 0
    ? undefined
    : await quantizeBackbone({
        backbone: findBackbone('efficientnet-lite0'),
        size,
        photos: files,
        maxPixels: 2 ** 24,
      })
const step = await planTrainingStep(network, weights, {
  ...(everything ? {} : { trainFrom: `block${from}` }),
  ...(rounded && { observed: rounded.observed }),
  batchSize,
  optimiser: everything
    ? { kind: 'sgd', momentum: 0.9 }
    : { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  weightDecay: everything ? 1e-4 : 0.02,
  batchNorm: everything
    ? {
        statistics: await measureStatistics(network, weights, {
          photos: batchSize,
          batches: [photos],
          threads,
        }),
      }
    : 'frozen',
})
const trainer = await openTrainer(step, { threads })
const labels = Array.from({ length: batchSize }, (_, at) => at % CLASSES)
const targets = targetsOf(labels, { classes: CLASSES, labelSmoothing: 0.1 })
const request = { photos, targets, learningRate: 1e-4 }
async function takeStep() {
  const { isApplied } = await trainer.step(request)
  if (!isApplied) throw new Error('Expected finite numbers of every step')
}
await takeStep()
await takeStep()
console.log('ready')
for await (const line of createInterface(process.stdin)) {
  const start = performance.now()
  let steps = 0
  while (performance.now() - start < Number(line) * 1000 || steps < 2) {
    await takeStep()
    steps++
  }
  console.log((batchSize * steps * 1000) / (performance.now() - start))
}
await trainer.close()
