/** What is asked about a photo and what is answered. */
import type { Decision } from '../bundles/classifier.ts'
import { DEFAULT_TOP } from '../core/config.ts'
import { type ErrorDescription, isAboutPhoto, toVergerError } from '../core/errors.ts'
import type { Photo } from '../features/featurizer.ts'
import { topIndices } from '../learn/softmax.ts'

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

export interface AnswerRequest {
  /** Path, URL or name under which the photo was given. */
  readonly source: string
  readonly photo: Photo
  /** Model whose version answers; without one, what the host was opened for. */
  readonly model?: string | undefined
  /** Version of `model`; its default where none is named. */
  readonly version?: string | undefined
  /** Takes the photo out of the queue when its caller leaves. */
  readonly signal?: AbortSignal | undefined
  /** Hears what becomes of the photo, for traces: at once and without an error of its own. */
  readonly onStage?: ((stage: AnswerStage) => void) | undefined
}

/** `run`: a worker has taken the photo; `judge`: the network is done with it, and the head is next. */
export type AnswerStage = 'run' | 'judge'

/** The answer for one photo that could be read, with every score. */
export interface Answer {
  readonly source: string
  readonly answerer: Answerer
  /** A bare backbone always says `ok`. */
  readonly decision: Decision
  readonly labels: readonly string[]
  /** Probabilities in the order of `labels`. */
  readonly scores: ArrayLike<number>
}

export interface PredictRequest extends AnswerRequest {
  /** Number of labels in the answer. */
  readonly top?: number
}

/** The answer for one photo that could be read, as it is shown. */
export type Prediction = {
  readonly source: string
} & Answerer & {
    readonly decision: Decision
    /** Best labels, best first. */
    readonly top: readonly Score[]
  }

/** The answer for one photo that could not be read. */
export interface FailedPrediction {
  readonly source: string
  readonly error: ErrorDescription
}

/** Keeps the best labels of an answer. */
export function toPrediction(
  { source, answerer, decision, labels, scores }: Answer,
  top = DEFAULT_TOP,
): Prediction {
  const best = topIndices(scores, top).map((index) => ({
    label: labels[index] ?? String(index),
    score: scores[index] ?? 0,
  }))
  return { source, ...answerer, decision, top: best }
}

/** Turns an error about this photo into a finding, so that the photos beside it go on; rejects with any other error. */
export async function answerOrFail<Value>(
  source: string,
  answer: () => Promise<Value>,
): Promise<Value | FailedPrediction> {
  try {
    return await answer()
  } catch (error) {
    const known = toVergerError(error)
    if (isAboutPhoto(known)) return { source, error: known.describe() }
    throw known
  }
}
