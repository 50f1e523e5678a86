/** From features to a classifier with its thresholds. Pure numbers; computes on the calling thread. */
import { thresholdForAccuracy } from '../learn/calibration.ts'
import {
  accuracyByChance,
  answerHeldOut,
  chooseHead,
  crossPredict,
  extendFolds,
  judgeOutOfFold,
} from '../learn/choose-head.ts'
import type { Trial } from '../learn/head-setting.ts'
import { applyHead, heldOut, type OutOfFold } from '../learn/held-out.ts'
import { groupLookAlikes } from '../learn/look-alikes.ts'
import { argmaxRows } from '../learn/metrics.ts'
import { findSimilarPairs } from '../learn/near-duplicates.ts'
import type { PrincipalDirections } from '../learn/principal-directions.ts'
import {
  fitRejection,
  gatherRows,
  rejectionDirections,
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
  return { pairs, ...groupLookAlikes(unit, width, labels, classes, pairs, seed, named) }
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
  const basis = await rejectionDirections(gemm, gatherRows(unit, width, train), width)
  const rejectionOf = async (rows: readonly number[]) =>
    basis && (await fitRejection(gemm, unit, width, labels, classes, rows, basis))
  const thresholdsOf = async (outOfFold: OutOfFold, temperature: number) => ({
    temperature,
    unsureBelow: unsureThreshold(task, outOfFold, temperature),
    unknownAbove: basis
      ? await unknownThreshold(gemm, task, unit, basis, outOfFold, report)
      : Number.MAX_VALUE,
  })
  const measuredHead = await trainHead(data, train, chosen, choice.head, options)
  const measuredRejection = await rejectionOf(train)
  const isFinal = final.length === train.length
  const calibrate = async () => {
    if (choice.outOfFold.rows.length === final.length) return choice.outOfFold
    const foldOf = isFinal ? choice.foldOf : extendFolds(data, choice.foldOf, measured, seed)
    return answerHeldOut(gemm, data, final, { ...choice, foldOf }, options)
  }
  // More photos make a better head, whose scores mean something else: its thresholds are fitted anew.
  const calibrated = await calibrate()
  const thresholds = await thresholdsOf(
    calibrated,
    judgeOutOfFold(data, chosen, calibrated).temperature,
  )
  const measuredThresholds = isFinal
    ? thresholds
    : await thresholdsOf(choice.outOfFold, chosen.temperature)
  const result = {
    chosen,
    trials,
    measuredThresholds,
    measuredLogits: await applyHead(
      gemm,
      measuredHead,
      transformed(task, measured, chosen.scaling),
      width,
      classes,
    ),
    measuredDistances:
      measuredRejection === undefined
        ? new Float64Array(measured.length)
        : await rejectionDistances(gemm, measuredRejection, gatherRows(unit, width, measured)),
    accuracyByChance: chance,
  }
  return {
    ...result,
    thresholds,
    head: isFinal ? measuredHead : await trainHead(data, final, chosen, measuredHead, options),
    rejection: isFinal ? measuredRejection : await rejectionOf(final),
  }
}

function unsureThreshold(
  { labels, classes }: FitTask,
  { rows, logits, folds }: OutOfFold,
  temperature: number,
): number {
  const { held, heldLogits } = heldOut(labels, classes, rows, folds, logits)
  const predicted = argmaxRows(heldLogits, classes)
  const confidence = Float64Array.from(held, (_, row) => {
    const scores = heldLogits.subarray(row * classes, (row + 1) * classes)
    return softmax(scores.map((logit) => logit / temperature))[predicted[row] ?? 0] ?? 0
  })
  const correct = Uint8Array.from(held, (label, row) => (predicted[row] === label ? 1 : 0))
  const threshold = thresholdForAccuracy(confidence, correct, SURE_ACCURACY)
  return threshold > 1 ? SURE_WITHOUT_EVIDENCE : threshold
}

/** The distance that all but a twentieth of held-out photos stay below. */
async function unknownThreshold(
  gemm: Gemm,
  { labels, width, classes }: FitTask,
  unit: Float32Array,
  basis: PrincipalDirections,
  { rows, folds }: OutOfFold,
  report: Report,
): Promise<number> {
  const distances: number[] = []
  const count = folds.reduce((most, fold) => Math.max(most, fold + 1), 0)
  for (let fold = 0; fold < count; fold++) {
    const seen = rows.filter((_, place) => folds[place] !== fold)
    const held = rows.filter((_, place) => folds[place] === fold)
    const model = await fitRejection(gemm, unit, width, labels, classes, seen, basis)
    report({})
    if (model === undefined || held.length === 0) continue
    distances.push(...(await rejectionDistances(gemm, model, gatherRows(unit, width, held))))
  }
  if (distances.length === 0) return Number.MAX_VALUE
  distances.sort((a, b) => a - b)
  const place = Math.min(distances.length - 1, Math.ceil((1 - REJECTED_SHARE) * distances.length))
  return distances[place] ?? Number.MAX_VALUE
}

/** Held-out answers for every row, under the setting that does best. */
export async function crossPredictRows(
  gemm: Gemm,
  task: CrossPredictTask,
  report: Report,
): Promise<CrossPredictResult> {
  const { seed, threads, labels, classes } = task
  const rows = [...labels.keys()]
  const options = { seed, threads, onStep: (trial?: Trial) => report(trial ? { trial } : {}) }
  const { chosen, outOfFold } = await chooseHead(gemm, task, rows, options)
  const isWhole = outOfFold.rows.length === rows.length
  const { logits, folds } = isWhole
    ? outOfFold
    : await crossPredict(gemm, task, rows, chosen, options)
  const { places, heldLogits } = heldOut(labels, classes, rows, folds, logits)
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
