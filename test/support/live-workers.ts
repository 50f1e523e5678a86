/** The worker threads of this process that have not ended, idle ones included. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'

const live = new Set<Worker>()
process.on('worker', (worker) => {
  live.add(worker)
  worker.once('exit', () => live.delete(worker))
})

export const countLiveWorkers = (): number => live.size

/** Waits a little for threads that are ending, and tells how many have not. */
export async function countLeakedWorkers(): Promise<number> {
  for (let i = 0; i < 200 && live.size > 0; i++) await sleep(10)
  return live.size
}
