/** What a serving host tells those who watch it, for metrics. Listeners run on the way of an answer: quick, never throwing. */
import type { Classification, Classifier } from '../bundles/classifier.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Answer } from './answer.ts'

export interface HostEvents {
  /** A photo was answered; failures are told to who asked. */
  answered: [AnsweredPhoto]
  /** A shadow has judged a photo that its model has answered; nobody else hears what it said. */
  compared: [ShadowComparison]
  /** A version was loaded and tested, or could not be. */
  loaded: [VersionLoad]
  /** The default of a model has moved, for the requests that come from now on. */
  switched: [DefaultSwitch]
}

/** Why a version was asked: it is the default, a canary that got its share, or it was named. */
export const ANSWER_ROLES = ['default', 'canary', 'named'] as const
export type AnswerRole = (typeof ANSWER_ROLES)[number]

export interface AnsweredPhoto {
  readonly answer: Answer
  /** Absent where a bare backbone answered. */
  readonly classifier?: Classifier
  readonly classification?: Classification
  /** Absent where no model was named. */
  readonly role?: AnswerRole
  /** From the call to the answer, waiting included. */
  readonly tookMs: number
}

export interface ShadowComparison {
  readonly model: string
  /** Who answered. */
  readonly version: string
  readonly shadow: string
  /** Whether the decision and, where it is `ok`, the best label are the same. */
  readonly agrees: boolean
}

export interface VersionLoad {
  readonly model: string
  readonly version: string
  readonly tookMs: number
  /** Code of the reason why it failed. */
  readonly error?: ErrorCode
}

export interface DefaultSwitch {
  readonly model: string
  readonly from: string | undefined
  readonly to: string | undefined
}
