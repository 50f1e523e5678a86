/** The numbers before and after a fine-tuning: the head it starts from, and what is said of its result. */
import { gatherRows } from '../learn/gather-rows.ts'
import type { HeadSetting } from '../learn/head-setting.ts'
import { applyHead, judgeSmoothed } from '../learn/held-out.ts'
import { fitRejection, projectRows, rejectionDistances } from '../learn/rejection.ts'
import { transformFeatures } from '../learn/scaling.ts'
import { trainHead } from '../learn/train-head.ts'
import type { Gemm } from '../tensor/gemm.ts'
import { fitThresholds } from './fit-classifier.ts'
import type {
  ComputeReport,
  FitResult,
  JudgeTunedTask,
  StartTuningResult,
  StartTuningTask,
} from './fit-task.ts'

/**
 * A head for features as they are, so that gradients go straight through it; and a modest one: a head that has nearly all
 * photos right leaves the network little to learn from them.
 */
const START: HeadSetting = { method: 'logistic regression', scaling: 'standard', l2: 0.01 }

/** Trains the head from which a fine-tuning starts, and the one that it has to beat on the validation rows. */
export async function startTuning(
  gemm: Gemm,
  task: StartTuningTask,
  report: (report: ComputeReport) => void,
): Promise<StartTuningResult> {
  const { features, width, classes, learn, validation, setting, seed, threads } = task
  const options = { seed, threads, onStep: () => report({}) }
  const nothing = { weights: new Float32Array(width * classes), bias: new Float32Array(classes) }
  const frozen = await trainHead(task, learn, setting, nothing, options)
  const rows = transformFeatures(gatherRows(features, width, validation), width, setting.scaling)
  return {
    head: await trainHead(task, learn, START, nothing, options),
    frozenLogits: await applyHead(gemm, frozen, rows, width, classes),
  }
}

/**
 * Temperature and thresholds from the validation rows, which the backbone has not learned from; figures from the measured
 * ones.
 */
export async function judgeTuned(gemm: Gemm, task: JudgeTunedTask): Promise<FitResult> {
  const { features, width, labels, classes, head, learn, validation, measured } = task
  const unit = transformFeatures(features, width, 'unit')
  const projected = await projectRows(gemm, unit, width, learn)
  const rejection = projected && (await fitRejection(gemm, projected, labels, classes, learn))
  const answersOf = async (rows: readonly number[]) => ({
    labels: Int32Array.from(rows, (row) => labels[row] ?? 0),
    logits: await applyHead(gemm, head, gatherRows(features, width, rows), width, classes),
    distances:
      rejection === undefined
        ? new Float64Array()
        : await rejectionDistances(gemm, rejection, gatherRows(unit, width, rows)),
  })
  const held = await answersOf(validation)
  const answers = await answersOf(measured)
  const judged = judgeSmoothed(held.labels, held.logits, classes)
  const thresholds = fitThresholds(held, classes, judged)
  const chosen = { ...START, l2: 0, ...judged }
  return {
    chosen,
    trials: [],
    head,
    rejection,
    thresholds,
    measuredThresholds: thresholds,
    measuredLogits: answers.logits,
    measuredDistances: answers.distances,
    accuracyByChance: undefined,
  }
}
