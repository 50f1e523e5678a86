/** What heads say of rows that they did not see. */
import type { Gemm } from '../tensor/gemm.ts'
import { balanceWeights } from './balance-weights.ts'
import { centroidHead } from './centroid-head.ts'
import { unfoldScale } from './fold-scale.ts'
import { assignFolds } from './folds.ts'
import { gatherRows } from './gather-rows.ts'
import type { HeadSetting, SearchOptions } from './head-setting.ts'
import type { LabelledRows, ScaledRows } from './labelled-rows.ts'
import { accuracyOf } from './metrics.ts'
import { createRandom } from './random.ts'
import { type LinearHead, openSoftmaxSolver } from './softmax-regression.ts'
import { fitTemperature, negativeLogLikelihood } from './temperature.ts'

export const FOLDS = 5
/** Tolerance of a comparison: enough to tell settings apart. */
const COMPARISON = 6e-3
/** Tolerance where one figure is wanted, of heads that are good enough for it sooner. */
export const ESTIMATE = 1e-2
const MAX_ITERATIONS = 60

/** What held-out rows were given by heads that had not seen them, in the order of `rows`. */
export interface OutOfFold {
  readonly rows: readonly number[]
  /** `[rows, classes]` */
  readonly logits: Float32Array
  /** Fold of each of `rows`. */
  readonly folds: Int32Array
}

/** Fold of each of `rows`, whose groups are kept whole. */
export function foldsOf({ labels, groups }: LabelledRows, rows: readonly number[], seed: number) {
  return assignFolds(
    Int32Array.from(rows, (row) => labels[row]!),
    Int32Array.from(rows, (row) => groups[row]!),
    FOLDS,
    createRandom(seed),
  )
}

/** Trains one head per fold, on the rows of the others; from `starts`, for transformed features, where there are some. */
export async function trainFolds(
  rows: ScaledRows,
  folds: Int32Array,
  { method, l2 }: HeadSetting,
  options: SearchOptions,
  starts: readonly LinearHead[] = [],
  tolerance: number = COMPARISON,
): Promise<LinearHead[]> {
  const weights = foldWeights(rows.labels, rows.classes, folds)
  if (method === 'nearest centroids') {
    return weights.map((rowWeights) => centroidHead(rows, rowWeights))
  }
  const solver = await openSoftmaxSolver(rows, options.threads)
  try {
    const problems = weights.map((rowWeights, fold) => {
      const start = starts[fold]
      return {
        rowWeights,
        l2,
        ...(start && { start: unfoldScale(start, rows.scale, rows.classes) }),
      }
    })
    return await solver.solve(problems, {
      tolerance,
      maxIterations: MAX_ITERATIONS,
      onStep: () => options.onStep?.(),
    })
  } finally {
    await solver.close()
  }
}

/** Row weights of each fold's training side: those of the fold itself are 0. */
export function foldWeights(
  labels: Int32Array,
  classes: number,
  folds: Int32Array,
): Float32Array[] {
  const balanced = balanceWeights(labels, classes)
  const count = folds.reduce((most, fold) => Math.max(most, fold + 1), 1)
  return Array.from({ length: count }, (_, fold) =>
    balanced.map((weight, row) => (folds[row] === fold ? 0 : weight)),
  )
}

/** Logits `[n, classes]` of each row by the head that did not see it. */
export async function heldOutLogits(
  gemm: Gemm,
  { features, width, classes }: LabelledRows,
  folds: Int32Array,
  heads: readonly LinearHead[],
): Promise<Float32Array> {
  const logits = new Float32Array(folds.length * classes)
  for (const [fold, head] of heads.entries()) {
    const rows = [...folds.keys()].filter((row) => folds[row] === fold)
    if (rows.length === 0) continue
    const values = await applyHead(gemm, head, gatherRows(features, width, rows), width, classes)
    for (const [place, row] of rows.entries()) {
      logits.set(values.subarray(place * classes, (place + 1) * classes), row * classes)
    }
  }
  return logits
}

/** Logits `[n, classes]` of transformed features `[n, width]`. */
export async function applyHead(
  gemm: Gemm,
  { weights, bias }: LinearHead,
  features: Float32Array,
  width: number,
  classes: number,
): Promise<Float32Array> {
  const { data } = await gemm.multiply(
    { data: features, rows: features.length / width, columns: width },
    { data: weights, rows: width, columns: classes },
  )
  for (let i = 0; i < data.length; i++) data[i]! += bias[i % classes]!
  return data
}

/** Judges held-out logits; rows of fold −1 were never held out and do not count. */
export function judgeHeldOut(data: LabelledRows, outOfFold: OutOfFold) {
  const { held, heldLogits } = heldOut(data, outOfFold)
  return judgeLogits(held, heldLogits, data.classes)
}

/** Accuracy of `logits` `[n, classes]` for `labels` `[n]`, and the temperature of least loss with that loss. */
export function judgeLogits(labels: Int32Array, logits: Float32Array, classes: number) {
  if (labels.length === 0) return { accuracy: 0, loss: Number.POSITIVE_INFINITY, temperature: 1 }
  const accuracy = accuracyOf(logits, classes, labels)
  // Where nothing is wrong the best temperature is none at all, and every score would be 1.
  const temperature = accuracy === 1 ? 1 : fitTemperature(logits, classes, labels)
  return {
    accuracy,
    temperature,
    loss: negativeLogLikelihood(logits, classes, labels, temperature),
  }
}

/**
 * As `judgeLogits`, for a network that was taught not to be sure, as label smoothing does: where it has all right, the
 * temperature is that of one photo more, the least sure one with its second label. So losses compare whether all are right
 * or not, and scores become surer without becoming 1.
 */
export function judgeSmoothed(labels: Int32Array, logits: Float32Array, classes: number) {
  const judged = judgeLogits(labels, logits, classes)
  if (judged.accuracy < 1) return judged
  const scoresOf = (row: number) => logits.subarray(row * classes, (row + 1) * classes)
  const secondOf = (row: number): number => {
    const others = scoresOf(row).map((score, at) => (at === labels[row] ? -Infinity : score))
    return others.indexOf(Math.max(...others))
  }
  const leadOf = (row: number) => scoresOf(row)[labels[row]!]! - scoresOf(row)[secondOf(row)]!
  const least = [...labels.keys()].reduce((one, other) =>
    leadOf(other) < leadOf(one) ? other : one,
  )
  const more = new Float32Array(logits.length + classes)
  more.set(logits)
  more.set(scoresOf(least), logits.length)
  const temperature = fitTemperature(more, classes, Int32Array.from([...labels, secondOf(least)]))
  return {
    ...judged,
    temperature,
    loss: negativeLogLikelihood(logits, classes, labels, temperature),
  }
}

/** Labels and logits of the rows that were held out once. */
export function heldOut(
  { labels, classes }: Pick<LabelledRows, 'labels' | 'classes'>,
  { rows, folds, logits }: OutOfFold,
) {
  const places = [...rows.keys()].filter((place) => folds[place]! >= 0)
  return {
    places,
    held: Int32Array.from(places, (place) => labels[rows[place]!]!),
    heldLogits: gatherRows(logits, classes, places),
  }
}
