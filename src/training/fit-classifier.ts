/** From features to a classifier with its thresholds. Pure numbers; computes on the calling thread. */
import { thresholdForAccuracy } from '../learn/calibration.ts'
import { accuracyByChance, answerHeldOut, chooseHead, crossPredict } from '../learn/choose-head.ts'
import { gatherRows } from '../learn/gather-rows.ts'
import type { Trial } from '../learn/head-setting.ts'
import { applyHead, heldOut, judgeLogits, type OutOfFold } from '../learn/held-out.ts'
import { groupLookAlikes } from '../learn/look-alikes.ts'
import { argmaxRows } from '../learn/metrics.ts'
import { findSimilarPairs } from '../learn/near-duplicates.ts'
import {
  fitRejection,
  projectRows,
  type RejectionModel,
  rejectionDistances,
} from '../learn/rejection.ts'
import { type Scaling, transformFeatures } from '../learn/scaling.ts'
import { softmax } from '../learn/softmax.ts'
import { trainHead } from '../learn/train-head.ts'
import type { Gemm } from '../tensor/gemm.ts'
import type {
  ComputeReport,
  CrossPredictResult,
  CrossPredictTask,
  FitResult,
  FitTask,
  GroupResult,
  GroupTask,
  Thresholds,
} from './fit-task.ts'

/**
 * Cosine from which two photos count as nearly the same. Mirrored, brighter and lightly recompressed copies reach it nearly
 * always, strongly recompressed or cropped ones often; below 0.95 chains of merely similar photos begin.
 */
export const NEAR_DUPLICATE_COSINE = 0.95
/** Accuracy that answers without `unsure` should have. */
const SURE_ACCURACY = 0.9
/** `unsure` below this where there are too few photos to promise an accuracy. */
const SURE_WITHOUT_EVIDENCE = 0.5
/** Share of photos of known labels that may be called `unknown`. */
const REJECTED_SHARE = 0.05

type Report = (report: ComputeReport) => void

/** Finds near duplicates and groups look-alikes. */
export async function groupRows(
  gemm: Gemm,
  { features, width, labels, classes, seed, named }: GroupTask,
  onStep: () => void,
): Promise<GroupResult> {
  const unit = transformFeatures(features, width, 'unit')
  const pairs = await findSimilarPairs(gemm, unit, width, NEAR_DUPLICATE_COSINE, onStep)
  return {
    pairs,
    ...(await groupLookAlikes(gemm, unit, width, labels, classes, pairs, seed, named)),
  }
}

/**
 * Chooses settings and thresholds on `train`, measures on `measured`, and trains the head that is kept on `final` with
 * the same settings.
 */
export async function fitClassifier(gemm: Gemm, task: FitTask, report: Report): Promise<FitResult> {
  const { width, classes, labels, train, measured, final, seed, threads } = task
  const data = task
  const options = { seed, threads, onStep: (trial?: Trial) => report(trial ? { trial } : {}) }
  const choice = await chooseHead(gemm, data, train, options)
  const { chosen, trials } = choice
  const chance = await accuracyByChance(gemm, data, train, chosen, options)

  const unit = transformFeatures(task.features, width, 'unit')
  const projected = await projectRows(gemm, unit, width, train)
  const rejectionOf = async (rows: readonly number[]) =>
    projected && (await fitRejection(gemm, projected, labels, classes, rows))
  const distancesOf = async (rejection: RejectionModel | undefined, rows: readonly number[]) =>
    rejection === undefined
      ? new Float64Array()
      : await rejectionDistances(gemm, rejection, gatherRows(unit, width, rows))
  const answersOf = async (outOfFold: OutOfFold): Promise<HeldOutAnswers> => {
    const { rows, folds } = outOfFold
    const { held, heldLogits } = heldOut(data, outOfFold)
    const distances: Float64Array[] = []
    for (const fold of new Set(folds.filter((each) => each >= 0))) {
      const rejection = await rejectionOf(rows.filter((_, place) => folds[place] !== fold))
      const inFold = rows.filter((_, place) => folds[place] === fold)
      distances.push(await distancesOf(rejection, inFold))
      report({})
    }
    return { labels: held, logits: heldLogits, distances: join(Float64Array, distances) }
  }

  const measuredHead = await trainHead(data, train, chosen, choice.head, options)
  const measuredRejection = await rejectionOf(train)
  const measuredRows = transformed(task, measured, chosen.scaling)
  const measuredAnswers: HeldOutAnswers = {
    labels: Int32Array.from(measured, (row) => labels[row] ?? 0),
    logits: await applyHead(gemm, measuredHead, measuredRows, width, classes),
    distances: await distancesOf(measuredRejection, measured),
  }
  const isMore = final.length > train.length
  const isWhole = choice.outOfFold.rows.length === train.length
  const crossAnswers = await answersOf(
    isMore || isWhole ? choice.outOfFold : await answerHeldOut(gemm, data, train, choice, options),
  )
  const measuredThresholds = fitThresholds(crossAnswers, classes)
  const result = {
    chosen,
    trials,
    measuredThresholds,
    measuredLogits: measuredAnswers.logits,
    measuredDistances: measuredAnswers.distances,
    accuracyByChance: chance,
  }
  if (!isMore) {
    return {
      ...result,
      thresholds: measuredThresholds,
      head: measuredHead,
      rejection: measuredRejection,
    }
  }
  return {
    ...result,
    // The measured photos were held out from a head of nearly all photos: heads of a sample are less sure of themselves.
    thresholds: fitThresholds(
      isWhole ? joinAnswers(crossAnswers, measuredAnswers) : measuredAnswers,
      classes,
    ),
    head: await trainHead(data, final, chosen, measuredHead, options),
    rejection: await rejectionOf(final),
  }
}

/** What was said of photos that were not learned from. */
export interface HeldOutAnswers {
  /** `[n]` */
  readonly labels: Int32Array
  /** `[n, classes]` */
  readonly logits: Float32Array
  /** Of those photos whose place among the others could be told, in any order. */
  readonly distances: Float64Array
}

const joinAnswers = (a: HeldOutAnswers, b: HeldOutAnswers): HeldOutAnswers => ({
  labels: join(Int32Array, [a.labels, b.labels]),
  logits: join(Float32Array, [a.logits, b.logits]),
  distances: join(Float64Array, [a.distances, b.distances]),
})

function join<Values extends Int32Array | Float32Array | Float64Array>(
  create: new (length: number) => Values,
  parts: readonly Values[],
): Values {
  const joined = new create(parts.reduce((sum, part) => sum + part.length, 0))
  let start = 0
  for (const part of parts) {
    joined.set(part, start)
    start += part.length
  }
  return joined
}

export function fitThresholds(
  { labels, logits, distances }: HeldOutAnswers,
  classes: number,
  { temperature } = judgeLogits(labels, logits, classes),
): Thresholds {
  const predicted = argmaxRows(logits, classes)
  const confidence = Float64Array.from(labels, (_, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes)
    return softmax(scores.map((logit) => logit / temperature))[predicted[row] ?? 0] ?? 0
  })
  const correct = Uint8Array.from(labels, (label, row) => (predicted[row] === label ? 1 : 0))
  const sure = thresholdForAccuracy(confidence, correct, SURE_ACCURACY)
  const ascending = distances.slice().sort()
  const place = Math.min(distances.length - 1, Math.ceil((1 - REJECTED_SHARE) * distances.length))
  return {
    temperature,
    unsureBelow: sure > 1 ? SURE_WITHOUT_EVIDENCE : sure,
    unknownAbove: ascending[place] ?? Number.MAX_VALUE,
  }
}

/** Held-out answers for every row, under the setting that does best. */
export async function crossPredictRows(
  gemm: Gemm,
  task: CrossPredictTask,
  report: Report,
): Promise<CrossPredictResult> {
  const { seed, threads, labels } = task
  const rows = [...labels.keys()]
  const options = { seed, threads, onStep: (trial?: Trial) => report(trial ? { trial } : {}) }
  const { chosen, outOfFold } = await chooseHead(gemm, task, rows, options)
  const isWhole = outOfFold.rows.length === rows.length
  const answers = isWhole ? outOfFold : await crossPredict(gemm, task, rows, chosen, options)
  const { places, heldLogits } = heldOut(task, answers)
  for (let i = 0; i < heldLogits.length; i++) {
    heldLogits[i] = (heldLogits[i] ?? 0) / chosen.temperature
  }
  return { choice: chosen, rows: places, logits: heldLogits }
}

const transformed = (
  { features, width }: FitTask,
  rows: readonly number[],
  scaling: Scaling,
): Float32Array => transformFeatures(gatherRows(features, width, rows), width, scaling)
