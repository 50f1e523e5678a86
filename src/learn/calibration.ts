/** Whether a score means what it says, and what remains when unsure photos are handed to a person. */
import { wilsonInterval } from './confidence-interval.ts'
import { requireLength, requireRows } from './scores.ts'

/** Photos whose score lies in `(from, to]`. */
export interface ReliabilityBin {
  /** Bounds of the score, 0 to 1. */
  readonly from: number
  readonly to: number
  readonly count: number
  /** 0 where the bin is empty. */
  readonly meanScore: number
  /** 0 where the bin is empty. */
  readonly accuracy: number
}

/** What remains when photos below a score are handed to a person. */
export interface RejectionPoint {
  /** Share of photos answered. */
  readonly coverage: number
  /** Accuracy on those. */
  readonly accuracy: number
  /** Score from which a photo is answered. */
  readonly threshold: number
}

/** A threshold that no probability reaches; finite, so that JSON keeps it. */
export const NEVER_SURE = 2

/**
 * The reliability diagram: `bins` bins of equal width over the score, the empty ones included. `confidence` `[n]` is the
 * probability of what was predicted, `correct` `[n]` 1 where that was right and 0 where not. A score on a bound belongs
 * to the bin below it, and 0 to the first (Guo et al. 2017, arXiv 1706.04599, equation 2). RangeError for a score
 * outside `[0, 1]`.
 */
export function reliabilityBins(
  confidence: Float64Array,
  correct: Uint8Array,
  bins = 15,
): ReliabilityBin[] {
  requireConfidence(confidence, correct)
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new RangeError(`Expected a whole number of bins above 0, received ${bins}`)
  }
  const counts = new Float64Array(bins)
  const scores = new Float64Array(bins)
  const rights = new Float64Array(bins)
  for (let row = 0; row < confidence.length; row++) {
    const bin = binOf(confidence[row]!, bins)
    counts[bin]!++
    scores[bin]! += confidence[row]!
    rights[bin]! += correct[row]!
  }
  return Array.from({ length: bins }, (_, bin) => {
    const count = counts[bin]!
    return {
      from: bin / bins,
      to: (bin + 1) / bins,
      count,
      meanScore: count === 0 ? 0 : scores[bin]! / count,
      accuracy: count === 0 ? 0 : rights[bin]! / count,
    }
  })
}

/** The product can round across a bound; the bounds that `ReliabilityBin` states decide. */
function binOf(score: number, bins: number): number {
  const bin = Math.max(0, Math.ceil(score * bins) - 1)
  if (score <= bin / bins) return Math.max(0, bin - 1)
  return score > (bin + 1) / bins ? bin + 1 : bin
}

/**
 * Expected calibration error, 0 to 1: the gap between mean score and accuracy, averaged over the bins of
 * `reliabilityBins` by their count (Guo et al. 2017, equation 3). RangeError for no rows.
 */
export function expectedCalibrationError(
  confidence: Float64Array,
  correct: Uint8Array,
  bins = 15,
): number {
  requireRows(confidence.length)
  let error = 0
  for (const { count, meanScore, accuracy } of reliabilityBins(confidence, correct, bins)) {
    error += count * Math.abs(accuracy - meanScore)
  }
  return error / confidence.length
}

/**
 * The calibration error that photos of these scores show in the mean where every score is true: so few photos cannot tell
 * less from none. Of a bin, the mean distance of a binomial count from what is expected, by the normal law:
 * √(2 / π · Σ p · (1 − p)). RangeError for no rows.
 */
export function calibrationErrorByChance(confidence: Float64Array, bins = 15): number {
  requireRows(confidence.length)
  const variances = new Float64Array(bins)
  for (const score of confidence) variances[binOf(score, bins)]! += score * (1 - score)
  const error = variances.reduce((sum, variance) => sum + Math.sqrt((2 / Math.PI) * variance), 0)
  return error / confidence.length
}

/**
 * Accuracy over coverage as the threshold falls (El-Yaniv and Wiener 2010, the risk-coverage curve): coverage rises and
 * ends at 1. Photos of one score are answered together. Where there are more scores than `maxPoints`, points at even
 * steps of coverage are kept. No rows give no points; RangeError for a score outside `[0, 1]`.
 */
export function rejectionCurve(
  confidence: Float64Array,
  correct: Uint8Array,
  maxPoints = 200,
): RejectionPoint[] {
  if (!Number.isSafeInteger(maxPoints) || maxPoints < 1) {
    throw new RangeError(`Expected a whole number of points above 0, received ${maxPoints}`)
  }
  const rows = confidence.length
  const steps = descendThresholds(confidence, correct)
  if (steps.length <= maxPoints) return steps.map((step) => toPoint(step, rows))
  const points: RejectionPoint[] = []
  let wanted = rows / maxPoints
  for (const step of steps) {
    if (step.answered < wanted) continue
    points.push(toPoint(step, rows))
    wanted = ((Math.floor((step.answered * maxPoints) / rows) + 1) * rows) / maxPoints
  }
  return points
}

const toPoint = ({ answered, right, threshold }: ThresholdStep, rows: number): RejectionPoint => ({
  coverage: answered / rows,
  accuracy: right / answered,
  threshold,
})

/**
 * The lowest score of a photo such that the photos from it upwards were right often enough to promise the accuracy
 * `wanted`, 0 to 1: the lower end of their 95 % Wilson interval must reach it. The plain share would favour lucky
 * stretches: it breaks its promise on new photos about every second time, and five right answers of five would promise
 * 100 %: a `wanted` of 0.95 takes at least 73 answers, all right. `NEVER_SURE` where no threshold is supported, e.g. for
 * no rows and for a `wanted` of 1. RangeError for a score outside `[0, 1]`.
 */
export function thresholdForAccuracy(
  confidence: Float64Array,
  correct: Uint8Array,
  wanted: number,
): number {
  if (!(wanted >= 0 && wanted <= 1)) {
    throw new RangeError(`Expected an accuracy from 0 to 1, received ${wanted}`)
  }
  const supported = descendThresholds(confidence, correct).findLast(
    ({ right, answered }) => wilsonInterval(right, answered).low >= wanted,
  )
  return supported?.threshold ?? NEVER_SURE
}

/** The photos that score at least `threshold`, and how many of them are right. */
interface ThresholdStep {
  readonly threshold: number
  readonly answered: number
  readonly right: number
}

/** One step for each score that occurs, highest first. */
function descendThresholds(confidence: Float64Array, correct: Uint8Array): ThresholdStep[] {
  requireConfidence(confidence, correct)
  const rows = confidence.length
  const order = Int32Array.from(confidence, (_, row) => row)
  order.sort((a, b) => confidence[b]! - confidence[a]!)
  const steps: ThresholdStep[] = []
  let right = 0
  for (let i = 0; i < rows; i++) {
    const threshold = confidence[order[i]!]!
    right += correct[order[i]!]!
    const isLastOfScore = i + 1 === rows || confidence[order[i + 1]!] !== threshold
    if (isLastOfScore) steps.push({ threshold, answered: i + 1, right })
  }
  return steps
}

function requireConfidence(confidence: Float64Array, correct: Uint8Array): void {
  requireLength('entries of correct', correct.length, confidence.length)
  for (let row = 0; row < confidence.length; row++) {
    const score = confidence[row]!
    if (!(score >= 0 && score <= 1)) {
      throw new RangeError(`Expected a score from 0 to 1, received ${score} in row ${row}`)
    }
    if (correct[row]! > 1) {
      throw new RangeError(`Expected 0 or 1 as correct, received ${correct[row]} in row ${row}`)
    }
  }
}
