/** Temperature scaling: one number that makes scores honest without changing which label is first. */
import { countRows, requireLength, requireRows, type Scores } from './scores.ts'

/** Bounds of a fitted temperature: outside, all scores are 0 and 1 or all equal, whatever the photo. */
export const TEMPERATURE_BOUNDS = { lowest: 0.05, highest: 20 } as const

/** More than the safeguard alone needs to halve the bounds down to the tolerance. */
const MAX_STEPS = 100

/** Step in log T after which the temperature has converged; rounding in the slope moves it by less. */
const TOLERANCE = 1e-11

export interface TemperatureOptions {
  /** Weight of each row `[n]`, 0 or more; without it all rows weigh the same. */
  readonly weights?: Float64Array
}

/**
 * The temperature T for which `softmax(logits / T)` has the smallest mean negative log-likelihood on `logits` `[n, k]`
 * and `labels` `[n]` (Guo et al. 2017, arXiv 1706.04599, section 4.2), within `TEMPERATURE_BOUNDS`. Rows with label -1
 * are left out. Where all rows are right, the loss may fall all the way to the lower bound, which is then the answer;
 * where every temperature is as good, 1 is. Give it logits of rows that the model was not trained on.
 *
 * The loss is convex in 1 / T, so its slope in log T changes sign once: Newton steps in log T, replaced by bisection
 * wherever they leave the bracket or are not half as long as the step before. RangeError for no usable row, weights that
 * add up to 0, NaN, a logit of Infinity, or one of -Infinity at a row's own label, which no temperature mends.
 */
export function fitTemperature(
  logits: Scores,
  k: number,
  labels: Int32Array,
  { weights }: TemperatureOptions = {},
): number {
  requireUsable(logits, k, labels, weights)
  const slopeAt = (logT: number) => measureLoss(logits, k, labels, Math.exp(-logT), weights)
  const start = slopeAt(0)
  if (!Number.isFinite(start.loss)) {
    throw new RangeError(
      `Expected a finite loss, received ${start.loss}: a label has logit -Infinity`,
    )
  }
  if (start.slope === 0) return 1
  // The minimum lies below T = 1 where the loss rises there, above it where the loss falls.
  const bound = Math.log(TEMPERATURE_BOUNDS[start.slope > 0 ? 'lowest' : 'highest'])
  // A slope of 0 at the bound is one too small for a double: the loss still has the direction that it had.
  if (slopeAt(bound).slope * Math.sign(start.slope) >= 0) return Math.exp(bound)

  let low = Math.min(0, bound)
  let high = Math.max(0, bound)
  let logT = 0
  let move = high - low
  let { slope, curvature } = start
  for (let step = 0; step < MAX_STEPS && Math.abs(move) > TOLERANCE && slope !== 0; step++) {
    if (slope > 0) high = logT
    else low = logT
    const newton = -slope / curvature
    if (curvature > 0 && Math.abs(newton) < TOLERANCE) break
    // Where the curvature is not positive, the Newton step leaves the bracket.
    const isInside = logT + newton > low && logT + newton < high
    move = isInside && Math.abs(newton) < Math.abs(move) / 2 ? newton : (low + high) / 2 - logT
    logT += move
    ;({ slope, curvature } = slopeAt(logT))
  }
  return Math.exp(logT)
}

/**
 * Mean of -log of the probability that `softmax(logits / temperature)` gives each row's label, in nats. `logits` `[n, k]`,
 * `labels` `[n]`; rows with label -1 are left out. Infinity where a row's label has a logit of -Infinity. RangeError for
 * no usable row, NaN, a logit of Infinity, or a temperature that is not above 0.
 */
export function negativeLogLikelihood(
  logits: Scores,
  k: number,
  labels: Int32Array,
  temperature: number,
): number {
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`Expected a temperature above 0, received ${temperature}`)
  }
  requireUsable(logits, k, labels)
  const { loss } = measureLoss(logits, k, labels, 1 / temperature)
  if (Number.isNaN(loss)) throw new RangeError('Expected a logit above -Infinity in every row')
  return loss
}

/** The mean loss and its first and second derivative in log T. */
interface LossAt {
  readonly loss: number
  readonly slope: number
  readonly curvature: number
}

/** `inverse` is 1 / T. Probabilities are taken relative to the largest of a row, so that nothing overflows. */
function measureLoss(
  logits: Scores,
  k: number,
  labels: Int32Array,
  inverse: number,
  weights?: Float64Array,
): LossAt {
  let total = 0
  let loss = 0
  let first = 0
  let second = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    const weight = weights === undefined ? 1 : weights[row]!
    if (label === -1 || weight === 0) continue
    const start = row * k
    const best = findLargest(logits, start, k)
    const largest = logits[best]!
    // All but the largest, whose own share is 1: `log1p` keeps the loss of rows that are nearly certain.
    let rest = 0
    let sum = 0
    let squares = 0
    for (let i = start; i < start + k; i++) {
      const gap = logits[i]! - largest
      const share = Math.exp(gap * inverse)
      // What underflows adds nothing, and an infinite gap times 0 would be NaN.
      if (share === 0 || i === best) continue
      rest += share
      sum += share * gap
      squares += share * gap * gap
    }
    const mean = sum / (1 + rest)
    const own = logits[start + label]! - largest
    total += weight
    loss += weight * (Math.log1p(rest) - own * inverse)
    first += weight * (mean - own)
    second += weight * (squares / (1 + rest) - mean * mean)
  }
  return {
    loss: loss / total,
    slope: (-first * inverse) / total,
    curvature: (first * inverse + second * inverse * inverse) / total,
  }
}

function findLargest(logits: Scores, start: number, k: number): number {
  let best = start
  for (let i = start + 1; i < start + k; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

function requireUsable(
  logits: Scores,
  k: number,
  labels: Int32Array,
  weights?: Float64Array,
): void {
  const rows = countRows(logits, k, labels)
  for (let i = 0; i < logits.length; i++) {
    if (!(logits[i]! < Number.POSITIVE_INFINITY)) {
      throw new RangeError(
        `Expected finite logits, received ${logits[i]} in row ${Math.floor(i / k)}`,
      )
    }
  }
  requireRows(labels.reduce((known, label) => (label === -1 ? known : known + 1), 0))
  if (weights === undefined) return
  requireLength('weights', weights.length, rows)
  for (let row = 0; row < rows; row++) {
    const weight = weights[row]!
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`Expected weights of 0 or more, received ${weight} in row ${row}`)
    }
  }
  if (!labels.some((label, row) => label !== -1 && weights[row]! > 0)) {
    throw new RangeError('Expected a weight above 0 on a row with a known label, received none')
  }
}
