/** Photo → named scores: what the command line, every protocol and the library call. */
import { DEFAULT_BACKBONE } from '../backbones/catalog.ts'
import { requireClassNames } from '../backbones/require-class-names.ts'
import type { Decision } from '../bundles/classifier.ts'
import { DEFAULT_TOP, type Limits } from '../core/config.ts'
import { type ErrorDescription, isAboutPhoto, toVergerError } from '../core/errors.ts'
import { meanOf } from '../features/featurize-photos.ts'
import type { Load, Photo } from '../features/featurizer.ts'
import { softmax, topIndices } from '../learn/softmax.ts'
import { openBackbonePool } from './backbone-pool.ts'
import type { ServedModel, VersionSource } from './version-source.ts'

export interface Score {
  readonly label: string
  /** Probability, 0 to 1. */
  readonly score: number
}

/** Who answered: a version of a model, a bundle that has no name yet, or a bare backbone. */
export type Answerer =
  | { readonly model: string; readonly version: string }
  | { readonly bundle: string }
  | { readonly backbone: string }

/** The answer for one photo that could be read. */
export type Prediction = {
  /** Path, URL or name under which the photo was given. */
  readonly source: string
} & Answerer & {
    /** A bare backbone always says `ok`. */
    readonly decision: Decision
    /** Best labels, best first. */
    readonly top: readonly Score[]
  }

/** The answer for one photo that could not be read. */
export interface FailedPrediction {
  readonly source: string
  readonly error: ErrorDescription
}

export interface PredictRequest {
  readonly source: string
  readonly photo: Photo
  /** Model whose version answers; without one, what the predictor was opened for. */
  readonly model?: string | undefined
  /** Version of `model`; its default where none is named. */
  readonly version?: string | undefined
  /** Number of labels in the answer. */
  readonly top?: number
  /** Takes the photo out of the queue when its caller leaves. */
  readonly signal?: AbortSignal
}

export interface Predictor {
  /** Backbone that answers where no model is named. */
  readonly backbone: string
  readonly workers: number
  readonly load: Load
  /** Rejects with a VergerError. */
  predict(request: PredictRequest): Promise<Prediction>
  warm(): Promise<void>
  close(): Promise<void>
}

export interface PredictorOptions {
  /** Id of a backbone whose own classifier answers where no model is named. */
  readonly backbone?: string
  /** Folder that holds the backbones beside the shipped one. */
  readonly home?: string
  /** Where named models come from, and what answers instead of a backbone. */
  readonly versions?: VersionSource
  readonly workers: number
  readonly limits: Limits
}

/**
 * Opens a predictor; the first worker of its own backbone starts to load at once, the others when a version needs them.
 * Throws `backbone_unknown`, `backbone_missing` or `backbone_damaged`.
 */
export function openPredictor(options: PredictorOptions): Predictor {
  const { workers, limits, versions, home } = options
  const pool = openBackbonePool({ workers, limits, home })
  const own = pool.open(options.backbone ?? DEFAULT_BACKBONE)
  const { backbone } = own

  async function classify(served: ServedModel, { photo, signal }: PredictRequest) {
    const { manifest, labels } = served.classifier
    const { featurizer, selfTest } = pool.open(manifest.backbone.id)
    await selfTest(served)
    const views = await featurizer.run(photo, ['features'], {
      views: manifest.backbone.views,
      signal,
    })
    const features = meanOf(
      views.map((view) => view['features'] ?? new Float32Array()),
      manifest.backbone.features,
    )
    const { probabilities, decision } = served.classifier.classify(features)
    return { scores: probabilities, labels, decision }
  }

  async function recognise({ photo, signal }: PredictRequest) {
    requireClassNames(backbone)
    const [outputs] = await own.featurizer.run(photo, ['logits'], { signal })
    const scores = softmax(outputs?.['logits'] ?? [])
    return { scores, labels: backbone.labels, decision: 'ok' as const }
  }

  return {
    backbone: backbone.id,
    workers,
    get load() {
      return pool.load
    },
    async predict(request) {
      const { source, model, version, top = DEFAULT_TOP } = request
      const served = await versions?.find(model, version)
      const { scores, labels, decision } =
        served === undefined ? await recognise(request) : await classify(served, request)
      return {
        source,
        ...(served?.answerer ?? { backbone: backbone.id }),
        decision,
        top: topIndices(scores, top).map((index) => ({
          label: labels[index] ?? String(index),
          score: scores[index] ?? 0,
        })),
      }
    },
    warm: () => own.featurizer.warm(),
    close: () => pool.close(),
  }
}

/** Turns an error about this photo into a finding, so that the photos beside it go on; rejects with any other error. */
export async function predictOrFail(
  source: string,
  predict: () => Promise<Prediction>,
): Promise<Prediction | FailedPrediction> {
  try {
    return await predict()
  } catch (error) {
    const known = toVergerError(error)
    if (isAboutPhoto(known)) return { source, error: known.describe() }
    throw known
  }
}
