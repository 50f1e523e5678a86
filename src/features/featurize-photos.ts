/** Photos → a matrix of features: what is cached is read, the rest is computed and cached. */
import pMap from 'p-map'
import type { Backbone } from '../backbones/catalog.ts'
import type { Limits } from '../core/config.ts'
import { isAboutPhoto, toVergerError, VergerError } from '../core/errors.ts'
import { openFeatureCache } from './feature-cache.ts'
import { type Featurizer, openFeaturizer } from './featurizer.ts'
import type { View } from './views.ts'

export interface PhotoToFeaturize {
  /** Path of the photo, or what loads its bytes when its turn comes. */
  readonly photo: string | (() => Promise<Uint8Array>)
  readonly sha256: string
}

export interface FeaturizePlan {
  readonly photos: readonly PhotoToFeaturize[]
  readonly backbone: Backbone
  /** The features of a photo are the mean over these. */
  readonly views: readonly View[]
}

export interface FeaturizeContext {
  readonly home: string
  readonly workers: number
  readonly limits: Limits
  /** Called for each photo that is done. */
  onProgress?(): void
  readonly signal?: AbortSignal
}

export interface PhotoFeatures {
  /** `[n, width]`, in the order of the photos; zeros where a photo failed. In shared memory. */
  readonly features: Float32Array
  readonly width: number
  /** Photos that could not be read, by their index. */
  readonly failed: ReadonlyMap<number, VergerError>
  /** Photos whose features were there already, and those that went through the network. */
  readonly reused: number
  readonly computed: number
  /** Cached entries that were damaged; they were computed again. */
  readonly damaged: number
}

/** Photos in flight per worker: one that runs, one that waits. */
const IN_FLIGHT_PER_WORKER = 2

/** Computes features. Photos with the same bytes are computed once; what is done is kept when the process is killed. */
export async function featurizePhotos(
  { photos, backbone, views }: FeaturizePlan,
  { home, workers, limits, onProgress, signal }: FeaturizeContext,
): Promise<PhotoFeatures> {
  const width = backbone.network.outputs['features']?.width ?? 0
  const features = new Float32Array(
    new SharedArrayBuffer(Math.max(4, photos.length * width * Float32Array.BYTES_PER_ELEMENT)),
    0,
    photos.length * width,
  )
  const cache = openFeatureCache(home, backbone)
  const failed = new Map<number, VergerError>()
  const running = new Set<Promise<void>>()
  let featurizer: Featurizer | undefined
  let isOver = false
  let computed = 0

  const inFlight = workers * IN_FLIGHT_PER_WORKER
  const open = () => {
    if (isOver)
      throw new Error('Expected photos while they are featurized, received one afterwards')
    featurizer ??= openFeaturizer({
      backbone,
      workers,
      limits: { ...limits, queuedPhotos: inFlight },
    })
    return featurizer
  }
  const compute = async ({ sha256, photo }: PhotoToFeaturize): Promise<Float32Array[]> => {
    const known = views.map((view) => cache.get(sha256, view))
    const missing = views.filter((_, index) => known[index] === undefined)
    if (missing.length > 0) {
      computed++
      const bytes = typeof photo === 'string' ? photo : await photo()
      const fresh = await open().run(bytes, ['features'], { views: missing, sha256, signal })
      for (const [index, view] of missing.entries()) {
        const values = fresh[index]?.['features'] ?? new Float32Array()
        await cache.put(sha256, view, values)
        known[views.indexOf(view)] = values
      }
    }
    return known.map((values) => values ?? new Float32Array())
  }

  const featurize = async ({ indices, ...photo }: PhotoGroup): Promise<void> => {
    try {
      const values = meanOf(await compute(photo), width)
      if (!values.every(Number.isFinite)) throw noNumbers(backbone)
      for (const index of indices) features.set(values, index * width)
    } catch (error) {
      const known = toVergerError(error)
      if (!isAboutPhoto(known)) throw known
      for (const index of indices) failed.set(index, known)
    }
    for (const _ of indices) onProgress?.()
  }

  const groups = groupByHash(photos)
  try {
    await pMap(
      groups,
      (group) => {
        const done = featurize(group)
        running.add(done)
        return done
      },
      { concurrency: inFlight, ...(signal === undefined ? {} : { signal }) },
    )
  } finally {
    isOver = true
    await featurizer?.close()
    // Where one failed, the photos beside it are still on their way.
    await Promise.allSettled(running)
  }
  return {
    features,
    width,
    failed,
    reused: groups.length - computed,
    computed,
    damaged: cache.damaged,
  }
}

const noNumbers = ({ id, weights }: Backbone): VergerError =>
  new VergerError(
    'backbone_damaged',
    `Expected numbers as features, received some from ${id} that are none or too large`,
    {
      hint: 'Import weights that are whole, or take another backbone.',
      details: { path: weights.path },
    },
  )

interface PhotoGroup extends PhotoToFeaturize {
  readonly indices: number[]
}

function groupByHash(photos: FeaturizePlan['photos']): PhotoGroup[] {
  const groups = new Map<string, PhotoGroup>()
  for (const [index, photo] of photos.entries()) {
    const known = groups.get(photo.sha256)
    if (known === undefined) groups.set(photo.sha256, { ...photo, indices: [index] })
    else known.indices.push(index)
  }
  return [...groups.values()]
}

/** Mean over views of `[width]` each. */
export function meanOf(views: readonly Float32Array[], width: number): Float32Array {
  const [only] = views
  if (views.length === 1 && only !== undefined) return only
  const mean = new Float64Array(width)
  for (const view of views)
    for (let i = 0; i < width; i++) mean[i] = (mean[i] ?? 0) + (view[i] ?? 0)
  return Float32Array.from(mean, (sum) => sum / views.length)
}
