/** Answers as TensorFlow Serving writes them. */
import { NAMED_LABELS } from '../../../bundles/signature.ts'
import { topIndices } from '../../../learn/softmax.ts'
import { shortestFloat32 } from '../../float32.ts'

/** The part of an answer that is written. */
export interface Scored {
  readonly labels: readonly string[]
  /** In the order of the labels. */
  readonly scores: ArrayLike<number>
}

interface Outputs {
  readonly scores: readonly number[]
  readonly labels: readonly string[]
  readonly probabilities: readonly number[]
}

/** `{"predictions": […]}` photo by photo, or `{"outputs": {…}}` output by output. */
export function writePredictions(answers: readonly Scored[], isRow: boolean): string {
  const rows = answers.map(outputsOf)
  if (isRow) return write({ predictions: rows })
  const column = <Name extends keyof Outputs>(name: Name) => rows.map((row) => row[name])
  return write({
    outputs: {
      scores: column('scores'),
      labels: column('labels'),
      probabilities: column('probabilities'),
    },
  })
}

/** `{"results": [[[label, score], …], …]}`, the best label first. */
export function writeClassifications(answers: readonly Scored[]): string {
  return write({
    results: answers
      .map(outputsOf)
      .map(({ labels, scores }) => labels.map((label, index) => [label, scores[index]])),
  })
}

function outputsOf({ labels, scores }: Scored): Outputs {
  const best = topIndices(scores, NAMED_LABELS)
  return {
    scores: best.map((index) => scores[index] ?? 0),
    labels: best.map((index) => labels[index] ?? ''),
    probabilities: Array.from(scores),
  }
}

/** JSON whose numbers all read as floats: clients with types take `1` for another type than `0.5`. */
function write(value: unknown): string {
  if (typeof value === 'number') return writeFloat(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${write(member)}`,
  )
  return `{${members.join(',')}}`
}

function writeFloat(value: number): string {
  const decimal = String(shortestFloat32(value))
  return /[.e]/.test(decimal) ? decimal : `${decimal}.0`
}
