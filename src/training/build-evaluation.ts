/** Answers to labelled photos → the report of an evaluation. */
import pMap from 'p-map'
import { decide } from '../bundles/classifier.ts'
import { readVersion } from '../core/version.ts'
import type { PhotoContent } from '../datasets/candidates.ts'
import { makeThumbnail } from '../images/thumbnail.ts'
import { expectedCalibrationError, rejectionCurve, reliabilityBins } from '../learn/calibration.ts'
import { bootstrapInterval, wilsonInterval } from '../learn/confidence-interval.ts'
import { confusionCells } from '../learn/confusion.ts'
import { mcnemarTest } from '../learn/mcnemar.ts'
import { argmaxRows, macroF1, perLabelFigures, topKAccuracy } from '../learn/metrics.ts'
import { softmax } from '../learn/softmax.ts'
import type { Comparison, EvaluationReport, Interval, ReportModel, ReportPhoto } from './report.ts'

/** A photo that was answered. */
export interface MeasuredPhoto {
  readonly path: string
  readonly load: PhotoContent
  /** Index of its label; −1 where the model does not know it. */
  readonly actual: number
}

export interface EvaluationInput {
  readonly model: ReportModel
  readonly dataset: EvaluationReport['dataset']
  readonly labels: readonly string[]
  readonly photos: readonly MeasuredPhoto[]
  /** `[photos, labels]`, before the temperature. */
  readonly logits: Float32Array
  /** `[photos]`; undefined where nothing was fitted. */
  readonly distances: Float64Array | undefined
  readonly head: {
    readonly temperature: number
    readonly unsureBelow: number
    readonly unknownAbove: number
  }
  readonly training?: NonNullable<EvaluationReport['training']>
  readonly comparison?: Comparison
}

const TOP = 5
const SHOWN_PER_CELL = 12
const SHOWN_CORRECT_PER_LABEL = 2
const SHOWN_ERRORS = 60
/** Photos with a picture: beyond that a report becomes slow to open. */
const MAX_SHOWN = 600
const THUMBNAILS_AT_ONCE = 4
const BOOTSTRAP = { seed: 1, rounds: 400 }

/** Measures the answers and gathers the photos that show what was measured. */
export async function buildEvaluation(input: EvaluationInput): Promise<EvaluationReport> {
  const { labels, photos, logits, distances, head } = input
  const k = labels.length
  const truth = Int32Array.from(photos, ({ actual }) => actual)
  const predicted = argmaxRows(logits, k)
  const correct = Uint8Array.from(truth, (label, row) => (predicted[row] === label ? 1 : 0))
  const before = confidences(logits, k, 1)
  const after = confidences(logits, k, head.temperature)
  const decisions = after.map((score, row) =>
    DECISION_ORDER.indexOf(decide(score, distances?.[row], head)),
  )
  const decisionOf = (row: number) => DECISION_ORDER[decisions[row] ?? 0] ?? 'ok'
  const figures = perLabelFigures(predicted, truth, k)
  const cells = confusionCells(predicted, truth, k)
  const confidentErrors = [...truth.keys()]
    .filter((row) => correct[row] === 0)
    .sort((a, b) => (after[b] ?? 0) - (after[a] ?? 0))

  const shown = new Map<number, number>()
  const show = (row: number): number | undefined => {
    const known = shown.get(row)
    if (known !== undefined || shown.size >= MAX_SHOWN) return known
    shown.set(row, shown.size)
    return shown.size - 1
  }
  const showAll = (rows: readonly number[]) => rows.map(show).filter((place) => place !== undefined)
  const shownErrors = showAll(confidentErrors.slice(0, SHOWN_ERRORS))
  const confusion = cells.map(({ actual, predicted: said, count, rows }) => {
    const limit = actual === said ? SHOWN_CORRECT_PER_LABEL : SHOWN_PER_CELL
    return { actual, predicted: said, count, photos: showAll(rows.slice(0, limit)) }
  })
  const reportPhotos = await pMap(
    [...shown.keys()],
    async (row): Promise<ReportPhoto> => {
      const { path = '', load, actual = -1 } = photos[row] ?? {}
      const thumbnail = load === undefined ? undefined : await makeThumbnail(load)
      return {
        path,
        actual,
        predicted: predicted[row] ?? 0,
        score: after[row] ?? 0,
        decision: decisionOf(row),
        ...(thumbnail === undefined ? {} : { thumbnail }),
      }
    },
    { concurrency: THUMBNAILS_AT_ONCE },
  )
  return {
    kind: 'evaluation',
    format: 1,
    vergerVersion: readVersion(),
    createdAt: new Date().toISOString(),
    model: input.model,
    dataset: input.dataset,
    labels,
    accuracy: wilsonInterval(
      correct.reduce((sum, one) => sum + one, 0),
      photos.length,
    ),
    macroF1: macroF1(figures),
    topK: { k: Math.min(TOP, k), accuracy: topKAccuracy(logits, k, truth, Math.min(TOP, k)) },
    calibration: {
      temperature: head.temperature,
      eceBefore: calibrationInterval(before, correct),
      eceAfter: calibrationInterval(after, correct),
      bins: reliabilityBins(after, correct),
      binsBefore: reliabilityBins(before, correct),
    },
    rejection: rejectionCurve(after, correct),
    decisions: {
      ok: decisions.filter((decision) => decision === 0).length,
      unsure: decisions.filter((decision) => decision === 1).length,
      unknown: decisions.filter((decision) => decision === 2).length,
    },
    perLabel: figures.map((each, index) => ({ label: labels[index] ?? String(index), ...each })),
    confusion,
    photos: reportPhotos,
    confidentErrors: shownErrors,
    ...(input.comparison === undefined ? {} : { comparison: input.comparison }),
    ...(input.training === undefined ? {} : { training: input.training }),
  }
}

const DECISION_ORDER = ['ok', 'unsure', 'unknown'] as const

/** Probability of the best label of each row, under a temperature. */
export function confidences(logits: Float32Array, k: number, temperature: number): Float64Array {
  return Float64Array.from({ length: logits.length / k }, (_, row) =>
    softmax(logits.subarray(row * k, (row + 1) * k).map((logit) => logit / temperature)).reduce(
      (a, b) => Math.max(a, b),
      0,
    ),
  )
}

function calibrationInterval(confidence: Float64Array, correct: Uint8Array): Interval {
  const value = expectedCalibrationError(confidence, correct)
  const { low, high } = bootstrapInterval(
    correct.length,
    (rows) =>
      expectedCalibrationError(
        Float64Array.from(rows, (row) => confidence[row] ?? 0),
        Uint8Array.from(rows, (row) => correct[row] ?? 0),
      ),
    BOOTSTRAP,
  )
  return { value, low, high }
}

/** Compares two models that answered the same photos; `correct` `[photos]` of each. */
export function compareModels(
  other: ReportModel,
  truth: Int32Array,
  labels: readonly string[],
  correct: Uint8Array,
  otherCorrect: Uint8Array,
): Comparison {
  const count = (wanted: number, otherWanted: number) =>
    correct.reduce(
      (sum, one, row) => sum + (one === wanted && otherCorrect[row] === otherWanted ? 1 : 0),
      0,
    )
  const onlyThisRight = count(1, 0)
  const onlyOtherRight = count(0, 1)
  const bothRight = count(1, 1)
  const perLabel = labels.flatMap((label, index) => {
    const rows = [...truth.keys()].filter((row) => truth[row] === index)
    if (rows.length === 0) return []
    const share = (values: Uint8Array) =>
      rows.reduce((sum, row) => sum + (values[row] ?? 0), 0) / rows.length
    return [{ label, recall: share(correct), otherRecall: share(otherCorrect) }]
  })
  const change = (each: (typeof perLabel)[number]) => Math.abs(each.recall - each.otherRecall)
  return {
    other,
    otherAccuracy: wilsonInterval(bothRight + onlyOtherRight, truth.length),
    bothRight,
    onlyThisRight,
    onlyOtherRight,
    bothWrong: count(0, 0),
    pValue: mcnemarTest(onlyThisRight, onlyOtherRight).pValue,
    perLabel: perLabel.sort((a, b) => change(b) - change(a)),
  }
}
