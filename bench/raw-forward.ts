import { Worker } from 'node:worker_threads'

const SECONDS = 8

/**
 * Photos per second of the network alone: the same model on constant 224 × 224 pixels, in `workers` worker threads with
 * one session each, which computes with `threadsEach` threads.
 */
export async function measureRawForward(workers: number, threadsEach = 1): Promise<number> {
  const rates = await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = new Worker(new URL('./raw-forward-worker.mjs', import.meta.url), {
        workerData: { seconds: SECONDS, threads: threadsEach },
      })
      return new Promise<number>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
    }),
  )
  return rates.reduce((sum, rate) => sum + rate, 0)
}
