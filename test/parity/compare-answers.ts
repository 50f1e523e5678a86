/** Probabilities from elsewhere beside those that Verger gives. */
import type { Prediction, Score } from 'verger'

export interface Difference {
  /** Largest difference of a probability. */
  readonly largest: number
  /** Whether the best labels, at most five, come in the same order; labels as good as equal may change places. */
  readonly isSameTop5: boolean
}

/** Labels that are closer than this to each other have no order. */
const TIE = 1e-4

/** `probabilities` are in the order of `labels`; `prediction` names all of them. Two classes may have one name. */
export function compareAnswers(
  probabilities: readonly number[],
  labels: readonly string[],
  { top }: Prediction,
): Difference {
  const received = probabilities
    .map((score, index) => ({ label: labels[index] ?? '', score }))
    .sort((a, b) => b.score - a.score)
  if (received.length !== top.length || labels.length !== top.length) {
    throw new Error(`Expected ${labels.length} scores, received ${received.length}, ${top.length}`)
  }
  const expected = scoresByLabel(top)
  const differences = [...scoresByLabel(received)].flatMap(([label, scores]) =>
    scores.map((score, place) => Math.abs(score - (expected.get(label)?.[place] ?? Number.NaN))),
  )
  const isInPlace = ({ label }: Score, place: number): boolean =>
    expected.get(label)?.some((score) => Math.abs(score - (top[place]?.score ?? 0)) < TIE) === true
  return { largest: Math.max(...differences), isSameTop5: received.slice(0, 5).every(isInPlace) }
}

/** Scores of each label, the highest first. */
function scoresByLabel(scores: readonly Score[]): ReadonlyMap<string, readonly number[]> {
  const byLabel = new Map<string, number[]>()
  for (const { label, score } of scores) byLabel.set(label, [...(byLabel.get(label) ?? []), score])
  return byLabel
}
