/** What is wrong with a dataset, photo by photo; a finding never stops the photos beside it. */
import type { ErrorDescription } from '../core/errors.ts'

export const FINDING_KINDS = [
  /** Cannot be read or decoded; left out of the dataset version. */
  'broken',
  /** Lies in no folder that could name its label; left out of the dataset version. */
  'no-label',
  /** The same bytes under one label; all but the first path are redundant. */
  'exact-duplicate',
  /** The same bytes under two labels or more. */
  'two-labels',
  /** Nearly the same picture, by its features. */
  'near-duplicate',
  /** A classifier that never saw the photo is sure of another label. */
  'probably-wrong-label',
  /** A label with too few photos to be learned or measured. */
  'few-photos',
  /** Labels that differ in case or Unicode form only. */
  'colliding-labels',
] as const
export type FindingKind = (typeof FINDING_KINDS)[number]

export interface Finding {
  readonly kind: FindingKind
  /** What was found, as one sentence. */
  readonly message: string
  /** Photos concerned, by their path in the dataset; empty where the finding is about labels alone. */
  readonly paths: readonly string[]
  /** Labels concerned. */
  readonly labels: readonly string[]
  /** Why a broken photo is broken. */
  readonly error?: ErrorDescription
  /** How sure: cosine of near duplicates, probability of the other label. */
  readonly score?: number
}
