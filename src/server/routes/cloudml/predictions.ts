/** Answers → `predictions`: the outputs of the SavedModels that Verger exports, by their names. */
import { NAMED_LABELS } from '../../../bundles/signature.ts'
import { topIndices } from '../../../learn/softmax.ts'
import type { Answer } from '../../../serving/answer.ts'
import { shortestFloat32 } from '../../float32.ts'

/**
 * One entry of `predictions`: the best labels and their scores, best first; every probability in the order of the labels;
 * the place of the best one, as classifiers of the time called it; and the key that came with the photo.
 */
export function toCloudPrediction({ labels, scores }: Answer, key: unknown): object {
  const best = topIndices(scores, NAMED_LABELS)
  return {
    ...(key === undefined ? {} : { key }),
    labels: best.map((index) => labels[index] ?? String(index)),
    scores: best.map((index) => shortestFloat32(scores[index] ?? 0)),
    probabilities: Array.from(scores, shortestFloat32),
    prediction: best[0] ?? 0,
  }
}
