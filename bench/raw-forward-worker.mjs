import { parentPort, workerData } from 'node:worker_threads'
import ort from 'onnxruntime-node'

const { model, size, seconds, threads } = workerData
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: threads })
const pixels = Uint8Array.from({ length: size * size * 3 }, (_, index) => index % 251)
const image = new ort.Tensor('uint8', pixels, [1, size, size, 3])
for (let i = 0; i < 20; i++) await session.run({ image }, ['logits'])

const startMs = performance.now()
let count = 0
while (performance.now() - startMs < seconds * 1000) {
  await session.run({ image }, ['logits'])
  count++
}
parentPort.postMessage(count / ((performance.now() - startMs) / 1000))
