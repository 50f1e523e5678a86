/** Answers to photos that the answering classifier did not see → the photos whose label is probably wrong. */
import type { Finding } from '../datasets/findings.ts'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import { findLabelErrors } from '../learn/label-errors.ts'
import { softmax } from '../learn/softmax.ts'
import type { CrossPredictResult } from './fit-task.ts'

/** As many as a person looks through, and a share of the photos beyond which it is the classifier that is wrong. */
const MOST = 50
const MOST_SHARE = 0.05
/** Of small datasets, of which a twentieth is next to nothing. */
const LEAST_MOST = 5

export interface WrongLabels {
  /** The surest first. */
  readonly findings: readonly Finding[]
  /** Photos about which the same was found with less certainty. */
  readonly lessSure: number
  /** All of these photos, as indices. */
  readonly rows: readonly number[]
}

/** `rows` of the answers are indices into `photos`; `labelIds` `[photos]` are indices into `labels`. */
export function findWrongLabels(
  photos: readonly Pick<DatasetPhoto, 'path' | 'label'>[],
  labels: readonly string[],
  labelIds: Int32Array,
  { rows, logits }: Pick<CrossPredictResult, 'rows' | 'logits'>,
): WrongLabels {
  const k = labels.length
  const probabilities = new Float64Array(logits.length) // [rows, k]
  for (let start = 0; start < logits.length; start += k) {
    probabilities.set(softmax(logits.subarray(start, start + k)), start)
  }
  const given = Int32Array.from(rows, (row) => labelIds[row] ?? -1)
  const suspects = findLabelErrors(probabilities, k, given)
  const limit = Math.min(MOST, Math.max(LEAST_MOST, Math.round(MOST_SHARE * photos.length)))
  const findings = suspects.slice(0, limit).flatMap(({ row, suggested, probability }) => {
    const photo = photos[rows[row] ?? -1]
    const other = labels[suggested]
    if (photo === undefined || other === undefined) return []
    const message = `Stands under ${photo.label}, looks like ${other} (${Math.floor(100 * probability)} %)`
    return [
      {
        kind: 'probably-wrong-label' as const,
        message,
        paths: [photo.path],
        labels: [photo.label, other],
        score: probability,
      },
    ]
  })
  return {
    findings,
    lessSure: suspects.length - findings.length,
    rows: suspects.flatMap(({ row }) => rows[row] ?? []),
  }
}
