/** Photos → outputs of a backbone, on a pool of worker threads: the one way into the network for every caller. */
import { type Backbone, resolveWeights } from '../backbones/catalog.ts'
import type { Limits } from '../core/config.ts'
import type { Pixels } from '../images/decode.ts'
import { PROBE_JPEG } from '../images/probe-photos.ts'
import type { Network } from '../tensor/network.ts'
import { type RunOptions, WorkerPool } from '../tensor/worker-pool.ts'
import type { View } from './views.ts'

/** A path, read by the worker, the bytes of a photo, or pixels that somebody has decoded. */
export type Photo = string | Uint8Array | Pixels

/** Values of one photo by the name of the network's output, e.g. `logits` `[1000]`. */
export type PhotoOutputs = Readonly<Record<string, Float32Array>>

export interface FeaturizerTask {
  readonly photo: Photo
  readonly outputs: readonly string[]
  readonly views: readonly View[]
  readonly sha256: string | undefined
}

export interface FeaturizerWorkerData {
  readonly modelPath: string
  /** The network in the model file, for photos of another side. */
  readonly network: Network
  readonly maxPixels: number
  readonly maxPhotoBytes: number
  readonly threadsAlone: number
}

export interface FeaturizerOptions {
  readonly backbone: Backbone
  readonly workers: number
  /**
   * Threads that compute a photo which finds all workers idle: it is answered sooner, at the price of a second session in
   * the worker that such photos go to. 1 by default.
   */
  readonly threadsAlone?: number
  readonly limits: Limits
}

export interface Load {
  /** Photos that wait for a worker. */
  readonly waiting: number
  /** Photos that a worker holds. */
  readonly running: number
  /** Milliseconds until a photo that came now would be answered. */
  readonly waitMs: number
}

export interface FeaturizeOptions extends RunOptions {
  readonly views?: readonly View[]
  /** Hash that the bytes must have, else `photo_changed`. */
  readonly sha256?: string | undefined
}

export interface Featurizer {
  readonly workers: number
  readonly load: Load
  /** Photos of each group that wait. */
  readonly waitingByGroup: ReadonlyMap<string, number>
  /** Throws `overloaded` or `share_exceeded` where so many further photos of a group have no room in the queue. */
  admit(group: string, photos: number): void
  /**
   * Computes the named outputs for each view of one photo, by default the upright photo at the network's own side.
   * Rejects with the photo's own error or with one of the pool's.
   */
  run(
    photo: Photo,
    outputs: readonly string[],
    options?: FeaturizeOptions,
  ): Promise<readonly PhotoOutputs[]>
  /** Lets every worker load the network. */
  warm(): Promise<void>
  /** Lets the worker that photos which are alone go to open their session, so that the first of them need not wait. */
  prepareAlone(views?: readonly View[]): void
  close(): Promise<void>
}

/** Far beyond the seconds that loading the network or the largest photo takes: a worker that is silent so long is lost. */
const STUCK_AFTER_MS = 60_000

/** Opens the pool; the first worker starts to load at once. Throws `backbone_missing` or `backbone_damaged`. */
export function openFeaturizer({
  backbone,
  workers,
  threadsAlone = 1,
  limits,
}: FeaturizerOptions): Featurizer {
  const { size } = backbone.network.input
  const workerData: FeaturizerWorkerData = {
    modelPath: resolveWeights(backbone),
    network: backbone.network,
    maxPixels: limits.photoPixels,
    maxPhotoBytes: limits.photoBytes,
    threadsAlone,
  }
  const nativeView: readonly View[] = [{ size, mirrored: false }]
  const pool = new WorkerPool<FeaturizerTask, readonly PhotoOutputs[]>({
    entry: new URL('./featurizer-worker.js', import.meta.url),
    threads: workers,
    workerData,
    timeoutMs: STUCK_AFTER_MS,
    maxWaiting: limits.queuedPhotos,
  })
  const run: Featurizer['run'] = (
    photo,
    outputs,
    { views = nativeView, sha256, ...options } = {},
  ) => pool.run({ photo, outputs, views, sha256 }, options)

  return {
    workers,
    get load() {
      return { waiting: pool.waiting, running: pool.running, waitMs: pool.waitMs }
    },
    get waitingByGroup() {
      return pool.waitingByGroup
    },
    admit: (group, photos) => pool.admit(group, photos),
    run,
    async warm() {
      const outputs = Object.keys(backbone.network.outputs)
      // A one-pixel JPEG on every worker: network and decoder are loaded, and every kernel has run once.
      await Promise.all(
        Array.from({ length: workers }, () => run(PROBE_JPEG, outputs, { isUrgent: true })),
      )
    },
    prepareAlone(views = nativeView) {
      if (threadsAlone === 1) return
      run(PROBE_JPEG, Object.keys(backbone.network.outputs), { views }).catch(() => {})
    },
    close: () => pool.close(),
  }
}
