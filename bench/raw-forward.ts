import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ROOT } from './child.ts'

const SECONDS = 8

/**
 * Photos per second of the network alone: the same model on constant 224 × 224 pixels, in `workers` worker threads with
 * one session each, which computes with `threadsEach` threads.
 */
export async function measureRawForward(workers: number, threadsEach = 1): Promise<number> {
  const model = join(ROOT, 'weights/efficientnet-lite0.onnx')
  const rates = await Promise.all(
    Array.from({ length: workers }, () =>
      runForward({ model, size: 224, seconds: SECONDS, threads: threadsEach }),
    ),
  )
  return rates.reduce((sum, rate) => sum + rate, 0)
}

export interface Forward {
  /** Path of an inference model. */
  readonly model: string
  /** Side of the photo. */
  readonly size: number
  readonly seconds: number
  readonly threads: number
}

/** Photos per second of one session in a worker thread, on constant pixels. */
export function runForward(forward: Forward): Promise<number> {
  const worker = new Worker(new URL('./raw-forward-worker.mjs', import.meta.url), {
    workerData: forward,
  })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
