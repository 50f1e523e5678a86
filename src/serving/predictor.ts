/** Photo → named scores: what the command line, every protocol and the library call. */
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { DEFAULT_TOP, type Limits } from '../core/config.ts'
import { type ErrorDescription, isAboutPhoto, toVergerError } from '../core/errors.ts'
import { type Load, openFeaturizer, type Photo } from '../features/featurizer.ts'
import { softmax, topIndices } from '../learn/softmax.ts'

/** What a classifier dares to say: `unsure` which class, or `unknown`, none of them. A bare backbone always says `ok`. */
export const DECISIONS = ['ok', 'unsure', 'unknown'] as const
export type Decision = (typeof DECISIONS)[number]

export interface Score {
  readonly label: string
  /** Probability, 0 to 1. */
  readonly score: number
}

/** The answer for one photo that could be read. */
export interface Prediction {
  /** Path, URL or name under which the photo was given. */
  readonly source: string
  readonly backbone: string
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
  /** Number of labels in the answer. */
  readonly top?: number
  /** Takes the photo out of the queue when its caller leaves. */
  readonly signal?: AbortSignal
}

export interface Predictor {
  readonly backbone: string
  readonly workers: number
  readonly labelCount: number
  readonly load: Load
  /** Rejects with a VergerError. */
  predict(request: PredictRequest): Promise<Prediction>
  warm(): Promise<void>
  close(): Promise<void>
}

export interface PredictorOptions {
  /** Id of a backbone whose own classifier answers. */
  readonly backbone?: string
  readonly workers: number
  readonly limits: Limits
}

/** Opens a predictor; the first worker starts to load at once. Throws `backbone_unknown`, `backbone_missing` or `backbone_damaged`. */
export function openPredictor(options: PredictorOptions): Predictor {
  const backbone = findBackbone(options.backbone ?? DEFAULT_BACKBONE)
  const { workers, limits } = options
  const featurizer = openFeaturizer({ backbone, workers, limits })
  return {
    backbone: backbone.id,
    workers,
    labelCount: backbone.labels.length,
    get load() {
      return featurizer.load
    },
    async predict({ source, photo, top = DEFAULT_TOP, signal }) {
      const [outputs] = await featurizer.run(photo, ['logits'], { signal })
      const scores = softmax(outputs?.['logits'] ?? [])
      return {
        source,
        backbone: backbone.id,
        decision: 'ok',
        top: topIndices(scores, top).map((index) => ({
          label: backbone.labels[index] ?? String(index),
          score: scores[index] ?? 0,
        })),
      }
    },
    warm: () => featurizer.warm(),
    close: () => featurizer.close(),
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
