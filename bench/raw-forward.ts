import { Worker } from 'node:worker_threads'

const SECONDS = 8

/**
 * Photos per second of the network alone: the same model on constant 224 × 224 pixels, one session with one thread in
 * each of `threads` worker threads, which is the fastest way to use these cores.
 */
export async function measureRawForward(threads: number): Promise<number> {
  const rates = await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL('./raw-forward-worker.mjs', import.meta.url), {
        workerData: { seconds: SECONDS },
      })
      return new Promise<number>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
    }),
  )
  return rates.reduce((sum, rate) => sum + rate, 0)
}
