/** Answers to labelled photos → the report of an evaluation. */
import pMap from 'p-map'
import { decide } from '../bundles/classifier.ts'
import { readVersion } from '../core/version.ts'
import type { PhotoContent } from '../datasets/candidates.ts'
import { makeThumbnail } from '../images/thumbnail.ts'
import {
  calibrationErrorByChance,
  expectedCalibrationError,
  rejectionCurve,
  reliabilityBins,
} from '../learn/calibration.ts'
import { bootstrapInterval, wilsonInterval } from '../learn/confidence-interval.ts'
import { confusionCells } from '../learn/confusion.ts'
import { mcnemarTest } from '../learn/mcnemar.ts'
import { argmaxRows, macroF1, perLabelFigures, topKAccuracy } from '../learn/metrics.ts'
import { softmax } from '../learn/softmax.ts'
import type {
  Calibration,
  ChangedPhoto,
  Comparison,
  Decisions,
  EvaluationReport,
  Interval,
  ReportModel,
  ReportPhoto,
} from './report.ts'

/** A photo that was answered. */
export interface MeasuredPhoto {
  readonly path: string
  readonly load: PhotoContent
  /** Index of its label; −1 where the model does not know it. */
  readonly actual: number
}

/** What a model said of the measured photos. */
export interface Answers {
  /** `[photos, labels]`, before the temperature. */
  readonly logits: Float32Array
  /** `[photos]`; undefined where nothing was fitted. */
  readonly distances: Float64Array | undefined
  readonly head: {
    readonly temperature: number
    readonly unsureBelow: number
    readonly unknownAbove: number
  }
}

/** Another model on the same photos. */
export interface OtherAnswers extends Answers {
  readonly model: ReportModel
  /** Its own, whose order its logits have. */
  readonly labels: readonly string[]
  /** `[photos]`: index of each photo's label among them; −1 where it does not know it. */
  readonly actual: Int32Array
}

export interface EvaluationInput extends Answers {
  readonly model: ReportModel
  readonly dataset: EvaluationReport['dataset']
  readonly labels: readonly string[]
  readonly photos: readonly MeasuredPhoto[]
  readonly training?: NonNullable<EvaluationReport['training']>
  readonly other?: OtherAnswers
}

const TOP = 5
const SHOWN_PER_CELL = 12
const SHOWN_CORRECT_PER_LABEL = 2
const SHOWN_ERRORS = 60
const SHOWN_CHANGES = 24
/** Photos with a picture: beyond that a report becomes slow to open. */
const MAX_SHOWN = 600
const THUMBNAILS_AT_ONCE = 4
const BOOTSTRAP = { seed: 1, rounds: 400 }

/** Measures the answers and gathers the photos that show what was measured. */
export async function buildEvaluation(input: EvaluationInput): Promise<EvaluationReport> {
  const { labels, photos, logits, other } = input
  const k = labels.length
  const truth = Int32Array.from(photos, ({ actual }) => actual)
  const measured = measure(input, truth, k)
  const { predicted, correct, scores, decisions } = measured
  const figures = perLabelFigures(predicted, truth, k)
  const cells = confusionCells(predicted, truth, k)
  const bySureness = [...truth.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const confidentErrors = bySureness.filter((row) => correct[row] === 0)

  const shown = new Map<number, number>()
  const show = (row: number): number | undefined => {
    const known = shown.get(row)
    if (known !== undefined || shown.size >= MAX_SHOWN) return known
    shown.set(row, shown.size)
    return shown.size - 1
  }
  const showAll = (rows: readonly number[]) => rows.map(show).filter((place) => place !== undefined)
  const shownErrors = showAll(confidentErrors.slice(0, SHOWN_ERRORS))
  const comparison =
    other === undefined ? undefined : compare(other, measured, truth, labels, bySureness, show)
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
        score: scores[row] ?? 0,
        decision: decisions[row] ?? 'ok',
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
    calibration: measured.calibration(),
    rejection: rejectionCurve(scores, correct),
    decisions: countDecisions(decisions),
    perLabel: figures.map((each, index) => ({ label: labels[index] ?? String(index), ...each })),
    confusion,
    photos: reportPhotos,
    confidentErrors: shownErrors,
    ...(comparison === undefined ? {} : { comparison }),
    ...(input.training === undefined ? {} : { training: input.training }),
  }
}

type Decision = ReportPhoto['decision']

interface Measured {
  /** `[photos]` each. */
  readonly predicted: Int32Array
  readonly correct: Uint8Array
  /** After the temperature. */
  readonly scores: Float64Array
  readonly decisions: readonly Decision[]
  /** Takes some time for its intervals. */
  calibration(): Calibration
}

function measure({ logits, distances, head }: Answers, truth: Int32Array, k: number): Measured {
  const predicted = argmaxRows(logits, k)
  const correct = Uint8Array.from(truth, (label, row) => (predicted[row] === label ? 1 : 0))
  const before = confidences(logits, k, 1)
  const scores = confidences(logits, k, head.temperature)
  return {
    ...{ predicted, correct, scores },
    decisions: Array.from(scores, (score, row) => decide(score, distances?.[row], head)),
    calibration: () => ({
      temperature: head.temperature,
      eceBefore: calibrationInterval(before, correct),
      eceAfter: calibrationInterval(scores, correct),
      eceByChance: calibrationErrorByChance(scores),
      bins: reliabilityBins(scores, correct),
      binsBefore: reliabilityBins(before, correct),
    }),
  }
}

function countDecisions(decisions: readonly Decision[]): Decisions {
  const count = (wanted: Decision) => decisions.filter((decision) => decision === wanted).length
  return { ok: count('ok'), unsure: count('unsure'), unknown: count('unknown') }
}

/** `show` gives the place of a photo among those that the report shows; undefined where it is full. */
function compare(
  other: OtherAnswers,
  { correct }: Measured,
  truth: Int32Array,
  labels: readonly string[],
  bySureness: readonly number[],
  show: (row: number) => number | undefined,
): Comparison {
  const theirs = measure(other, other.actual, other.labels.length)
  const { bins: _, binsBefore: __, ...otherCalibration } = theirs.calibration()
  const changed = (from: number, to: number): ChangedPhoto[] =>
    bySureness
      .filter((row) => theirs.correct[row] === from && correct[row] === to)
      .slice(0, SHOWN_CHANGES)
      .flatMap((row) => {
        const photo = show(row)
        const otherPredicted = other.labels[theirs.predicted[row] ?? -1] ?? ''
        const otherScore = theirs.scores[row] ?? 0
        return photo === undefined ? [] : [{ photo, otherPredicted, otherScore }]
      })
  return {
    ...compareModels(other.model, truth, labels, correct, theirs.correct),
    otherCalibration,
    otherRejection: rejectionCurve(theirs.scores, theirs.correct),
    otherDecisions: countDecisions(theirs.decisions),
    gained: changed(0, 1),
    lost: changed(1, 0),
  }
}

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

type Counts = Omit<
  Comparison,
  'otherCalibration' | 'otherRejection' | 'otherDecisions' | 'gained' | 'lost'
>

/** Counts who of two models is right about the same photos; `correct` `[photos]` of each. */
export function compareModels(
  other: ReportModel,
  truth: Int32Array,
  labels: readonly string[],
  correct: Uint8Array,
  otherCorrect: Uint8Array,
): Counts {
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
    return [
      { label, photos: rows.length, recall: share(correct), otherRecall: share(otherCorrect) },
    ]
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
