/** Photos → the same photos as they might have been taken otherwise, at the side of a network, on a pool of worker threads. */
import type { Limits } from '../core/config.ts'
import type { Augmentation } from '../images/augment.ts'
import { WorkerPool } from '../tensor/worker-pool.ts'

export interface PhotoToAugment {
  /** A path, or the bytes. */
  readonly photo: string | Uint8Array
  /** Hash that the bytes must have, else `photo_changed`. */
  readonly sha256: string
  readonly augmentation: Augmentation
}

export interface AugmentTask {
  readonly photos: readonly PhotoToAugment[]
  /** Takes the levels, `[photos, size, size, 3]`, in shared memory. */
  readonly levels: Uint8Array
}

export interface AugmentWorkerData {
  readonly size: number
  readonly maxPixels: number
  readonly maxPhotoBytes: number
}

export interface AugmentOptions {
  /** Side in pixels to which photos are squashed, as the network does it. */
  readonly size: number
  readonly workers: number
  readonly limits: Limits
}

export interface Augmenter {
  /** Gives levels `[photos, size, size, 3]`. Rejects with a photo's own error or with one of the pool's. */
  run(photos: readonly PhotoToAugment[]): Promise<Uint8Array>
  close(): Promise<void>
}

/** Photos that a worker takes at once: few enough that workers end together, many enough to pay for the way. */
const CHUNK = 4
/** Far beyond the seconds that the largest photos take. */
const STUCK_AFTER_MS = 120_000

export function openAugmenter({ size, workers, limits }: AugmentOptions): Augmenter {
  const workerData: AugmentWorkerData = {
    size,
    maxPixels: limits.photoPixels,
    maxPhotoBytes: limits.photoBytes,
  }
  const pool = new WorkerPool<AugmentTask, null>({
    entry: new URL('./augment-worker.js', import.meta.url),
    threads: workers,
    workerData,
    timeoutMs: STUCK_AFTER_MS,
    maxWaiting: Number.MAX_SAFE_INTEGER,
  })
  const perPhoto = size * size * 3
  return {
    async run(photos) {
      const levels = new Uint8Array(new SharedArrayBuffer(photos.length * perPhoto))
      const tasks: Promise<null>[] = []
      for (let from = 0; from < photos.length; from += CHUNK) {
        const chunk = photos.slice(from, from + CHUNK)
        const part = levels.subarray(from * perPhoto, (from + chunk.length) * perPhoto)
        tasks.push(pool.run({ photos: chunk, levels: part }))
      }
      for (const task of await Promise.allSettled(tasks)) {
        if (task.status === 'rejected') throw task.reason
      }
      // ONNX Runtime does not read shared memory.
      return levels.slice()
    },
    close: () => pool.close(),
  }
}
