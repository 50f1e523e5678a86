/**
 * Chooses how a head is trained by cross-validation on the training rows, then trains it: scaling, L2 strength or nearest
 * centroids, temperature. Computes on the calling thread.
 */
import type { Gemm } from '../tensor/gemm.ts'
import { centroidHead } from './centroid-head.ts'
import { assignFolds } from './folds.ts'
import { accuracyOf } from './metrics.ts'
import { createRandom } from './random.ts'
import { gatherRows } from './rejection.ts'
import {
  applyLinearScale,
  fitLinearScale,
  type LinearScale,
  SCALINGS,
  type Scaling,
  transformFeatures,
} from './scaling.ts'
import { type LinearHead, openSoftmaxSolver } from './softmax-regression.ts'
import { fitTemperature, negativeLogLikelihood } from './temperature.ts'

/** Rows of features with what is known of them. */
export interface LabelledRows {
  /** `[n, width]` */
  readonly features: Float32Array
  readonly width: number
  /** `[n]`, each below `classes`. */
  readonly labels: Int32Array
  readonly classes: number
  /** `[n]`; rows of one group look alike and stand on one side of every fold. */
  readonly groups: Int32Array
}

/** L2 strengths on the mean loss of scaled features (rows of mean squared length 1), strongest first. */
const L2_PATH = [1e-3, 1e-4, 1e-5]
/** The path where labels have a handful of photos. */
const FEW_SHOT_L2_PATH = [1, 1e-1, 1e-2, 1e-3]
/** Photos per label, in the median, below which nearest centroids are tried and L2 begins stronger. */
const FEW_SHOT = 20
/** L2 strength at which scalings are compared. */
const SCALING_L2 = 1e-4
const FEW_SHOT_SCALING_L2 = 1e-2
/** Folds on which scalings are compared: a difference worth having shows on two. */
const SCALING_FOLDS = 2
/** Where the path ends early: the loss has grown by this share over the best. */
const GROWN = 1.02
const FOLDS = 5
/** Rows on which settings are compared; beyond that more rows cost time and change no choice. */
const MAX_COMPARED_ROWS = 2048
/** Rows on which the temperature is fitted. */
const MAX_CALIBRATED_ROWS = 6144
/** Rows on which scalings are compared, which differ more. */
const MAX_SCALING_ROWS = 1024
/** Largest ratio between labels' counts at which no weights are used (Kang et al. 2020 find little harm below). */
const EVEN_RATIO = 3
const SEARCH = { tolerance: 3e-3, maxIterations: 60 }
const FINAL = { tolerance: 3e-4, maxIterations: 200 }

export type Method = 'logistic regression' | 'nearest centroids'

/** One setting that was tried, with what rows that it had not seen say of it. */
export interface Trial {
  readonly method: Method
  readonly scaling: Scaling
  /** Strength on the mean loss; 0 for centroids. */
  readonly l2: number
  readonly accuracy: number
  /** Mean −log p of the label after its temperature. */
  readonly loss: number
  readonly temperature: number
}

/** What held-out rows were given by heads that had not seen them, in the order of `rows`. */
export interface OutOfFold {
  readonly rows: readonly number[]
  /** `[rows, classes]` */
  readonly logits: Float32Array
  /** Fold of each of `rows`. */
  readonly folds: Int32Array
}

export interface HeadChoice {
  /** With the figures and the temperature of `outOfFold`. */
  readonly chosen: Trial
  /** Heads that did not see the rows of their fold, for transformed features. */
  readonly foldHeads: readonly LinearHead[]
  /** Fold of each row of the data; −1 where it takes no part or is never held out. */
  readonly foldOf: Int32Array
  /** Mean of the folds' heads, for transformed features: where training begins. */
  readonly head: LinearHead
  readonly trials: readonly Trial[]
  readonly outOfFold: OutOfFold
}

export interface SearchOptions {
  readonly seed: number
  readonly threads: number
  /** Called after each step; throws to stop. */
  onStep?(trial?: Trial): void
}

/** Compares settings on `rows` and gives the one of least held-out loss. */
export async function chooseHead(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  options: SearchOptions,
): Promise<HeadChoice> {
  const foldOf = new Int32Array(data.labels.length).fill(-1)
  for (const [place, fold] of foldsOf(data, rows, options.seed).entries()) {
    foldOf[rows[place]!] = fold
  }
  const pickFolds = (picked: readonly number[]) => Int32Array.from(picked, (row) => foldOf[row]!)
  const compared = sampleRows(data, rows, options.seed)
  const folds = pickFolds(compared)
  const isFewShot = medianCount(data.labels, rows, data.classes) < FEW_SHOT
  const trials: Trial[] = []
  let best: { trial: Trial; logits: Float32Array; heads: readonly LinearHead[] } | undefined
  const judge = (setting: Setting, heads: readonly LinearHead[], logits: Float32Array) => {
    const trial = { ...setting, ...judgeLogits(data, compared, folds, logits) }
    trials.push(trial)
    options.onStep?.(trial)
    if (best === undefined || trial.loss < best.trial.loss) best = { trial, logits, heads }
    return trial
  }
  const scalingTrials: Trial[] = []
  const fewer = sampleRows(data, rows, options.seed, MAX_SCALING_ROWS)
  const some = pickFolds(fewer).map((fold) => (fold < SCALING_FOLDS ? fold : -1))
  for (const scaling of SCALINGS) {
    const l2 = isFewShot ? FEW_SHOT_SCALING_L2 : SCALING_L2
    const setting: Setting = { method: 'logistic regression', scaling, l2 }
    const held = await holdOut(gemm, data, fewer, some, setting, options)
    const trial = { ...setting, ...judgeLogits(data, fewer, held.folds, held.logits) }
    scalingTrials.push(trial)
    options.onStep?.(trial)
  }
  const { scaling } = scalingTrials.reduce((a, b) => (b.loss < a.loss ? b : a))

  const scaled = await scaleRows(data, compared, scaling)
  const subset = subsetOf(data, compared, scaled.features)
  const weights = foldWeights(subset.labels, data.classes, folds)
  if (isFewShot) {
    const heads = weights.map((rowWeights) => centroidHead(subset, rowWeights))
    const logits = await heldOutLogits(gemm, subset, folds, heads)
    judge({ method: 'nearest centroids', scaling, l2: 0 }, heads, logits)
  }
  const solver = await openSoftmaxSolver(subset, options.threads)
  try {
    let starts: readonly LinearHead[] | undefined
    let least = Number.POSITIVE_INFINITY
    // From the strongest L2 to the weakest, each from the solution before, until the loss grows.
    for (const l2 of isFewShot ? FEW_SHOT_L2_PATH : L2_PATH) {
      const problems = weights.map((rowWeights, fold) => {
        const start = starts?.[fold]
        return { rowWeights, l2, ...(start === undefined ? {} : { start }) }
      })
      starts = await solver.solve(problems, { ...SEARCH, onStep: () => options.onStep?.() })
      const logits = await heldOutLogits(gemm, subset, folds, starts)
      const { loss } = judge({ method: 'logistic regression', scaling, l2 }, starts, logits)
      if (loss > least * GROWN) break
      least = Math.min(least, loss)
    }
  } finally {
    await solver.close()
  }
  if (best === undefined) throw new RangeError('Expected settings to compare, received none')
  const { trial, heads, logits } = best
  const folded = heads.map((head) => foldScale(head, scaled.scale, data.classes))
  const isWhole = compared.length === Math.min(rows.length, MAX_CALIBRATED_ROWS)
  const answered = isWhole
    ? { outOfFold: { rows: compared, logits, folds }, foldHeads: folded }
    : await answerHeldOut(gemm, data, rows, { chosen: trial, foldHeads: folded, foldOf }, options)
  return {
    chosen: judgeOutOfFold(data, trial, answered.outOfFold),
    head: meanHead(folded),
    trials: [...scalingTrials, ...trials],
    foldOf,
    ...answered,
  }
}

/** The setting with the figures and the temperature of held-out logits. */
export function judgeOutOfFold(
  data: LabelledRows,
  trial: Trial,
  { rows, folds, logits }: OutOfFold,
): Trial {
  return { ...trial, ...judgeLogits(data, rows, folds, logits) }
}

/** Puts rows that took no part in the comparison into folds, by groups of their own. */
export function extendFolds(
  data: LabelledRows,
  foldOf: Int32Array,
  rows: readonly number[],
  seed: number,
): Int32Array {
  const extended = foldOf.slice()
  for (const [place, fold] of foldsOf(data, rows, seed).entries()) extended[rows[place]!] = fold
  return extended
}

/** Continues from the folds' heads on more rows: fewer photos make a worse head, and a worse temperature. */
export async function answerHeldOut(
  gemm: Gemm,
  data: LabelledRows,
  all: readonly number[],
  { chosen, foldHeads, foldOf }: Pick<HeadChoice, 'chosen' | 'foldHeads' | 'foldOf'>,
  options: SearchOptions,
): Promise<Pick<HeadChoice, 'outOfFold' | 'foldHeads'>> {
  const rows = sampleRows(data, all, options.seed, MAX_CALIBRATED_ROWS)
  const folds = Int32Array.from(rows, (row) => foldOf[row]!)
  const scaled = await scaleRows(data, rows, chosen.scaling)
  const subset = subsetOf(data, rows, scaled.features)
  const weights = foldWeights(subset.labels, data.classes, folds)
  const heads =
    chosen.method === 'nearest centroids'
      ? weights.map((rowWeights) => centroidHead(subset, rowWeights))
      : await solveFrom(subset, weights, chosen.l2, foldHeads, scaled.scale, options)
  return {
    outOfFold: { rows, folds, logits: await heldOutLogits(gemm, subset, folds, heads) },
    foldHeads: heads.map((head) => foldScale(head, scaled.scale, data.classes)),
  }
}

async function solveFrom(
  subset: LabelledRows,
  weights: readonly Float32Array[],
  l2: number,
  starts: readonly LinearHead[],
  scale: LinearScale,
  options: SearchOptions,
): Promise<LinearHead[]> {
  const solver = await openSoftmaxSolver(subset, options.threads)
  try {
    const problems = weights.map((rowWeights, fold) => {
      const start = starts[fold]
      const near = start && { start: unfoldScale(start, scale, subset.classes) }
      return { rowWeights, l2, ...near }
    })
    return await solver.solve(problems, { ...SEARCH, onStep: () => options.onStep?.() })
  } finally {
    await solver.close()
  }
}

type Setting = Pick<Trial, 'method' | 'scaling' | 'l2'>
type Held = Pick<OutOfFold, 'folds' | 'logits'>

/** Trains once per fold with a setting and gives what the held-out rows are answered. */
async function holdOut(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  folds: Int32Array,
  { method, scaling, l2 }: Setting,
  options: SearchOptions,
): Promise<Held> {
  const scaled = await scaleRows(data, rows, scaling)
  const subset = subsetOf(data, rows, scaled.features)
  const weights = foldWeights(subset.labels, data.classes, folds)
  if (method === 'nearest centroids') {
    const heads = weights.map((rowWeights) => centroidHead(subset, rowWeights))
    return { folds, logits: await heldOutLogits(gemm, subset, folds, heads) }
  }
  const solver = await openSoftmaxSolver(subset, options.threads)
  try {
    const problems = weights.map((rowWeights) => ({ rowWeights, l2 }))
    const heads = await solver.solve(problems, { ...SEARCH, onStep: () => options.onStep?.() })
    return { folds, logits: await heldOutLogits(gemm, subset, folds, heads) }
  } finally {
    await solver.close()
  }
}

/** Accuracy on rows whose look-alikes were learned from: what a split by chance would have reported. */
export async function accuracyByChance(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  setting: Setting,
  options: SearchOptions,
): Promise<number> {
  const compared = sampleRows(data, rows, options.seed)
  const alone = { ...data, groups: Int32Array.from(data.labels, (_, row) => row) }
  const folds = foldsOf(alone, compared, options.seed).map((fold) =>
    fold < SCALING_FOLDS ? fold : -1,
  )
  const held = await holdOut(gemm, data, compared, folds, setting, options)
  return judgeLogits(data, compared, held.folds, held.logits).accuracy
}

/** Held-out logits of every one of `rows` under one setting, for finding wrong labels. */
export async function crossPredict(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  setting: Setting,
  options: SearchOptions,
): Promise<OutOfFold> {
  const folds = foldsOf(data, rows, options.seed)
  return { rows, ...(await holdOut(gemm, data, rows, folds, setting, options)) }
}

/**
 * Trains with a setting on `rows`, from a head that comes near, and folds the scale into the matrix:
 * logits = transform(x) · W + b.
 */
export async function trainHead(
  data: LabelledRows,
  rows: readonly number[],
  { scaling, l2, method }: Trial,
  start: LinearHead,
  options: SearchOptions,
): Promise<LinearHead> {
  const scaled = await scaleRows(data, rows, scaling)
  const subset = subsetOf(data, rows, scaled.features)
  const rowWeights = balanceWeights(subset.labels, data.classes)
  if (method === 'nearest centroids') {
    return foldScale(centroidHead(subset, rowWeights), scaled.scale, data.classes)
  }
  const solver = await openSoftmaxSolver(subset, options.threads)
  try {
    const near = unfoldScale(start, scaled.scale, data.classes)
    const [head] = await solver.solve([{ rowWeights, l2, start: near }], {
      ...FINAL,
      onStep: () => options.onStep?.(),
    })
    return foldScale(head!, scaled.scale, data.classes)
  } finally {
    await solver.close()
  }
}

/** `((x − centre) / spread) · W + b` as `x · W′ + b′`. */
function foldScale(
  { weights, bias }: LinearHead,
  { centre, spread }: LinearScale,
  classes: number,
): LinearHead {
  const folded = new Float64Array(weights.length)
  const shifted = Float64Array.from(bias)
  for (let i = 0; i < centre.length; i++) {
    for (let c = 0; c < classes; c++) {
      const weight = weights[i * classes + c]! / spread[i]!
      folded[i * classes + c] = weight
      shifted[c]! -= centre[i]! * weight
    }
  }
  return { weights: Float32Array.from(folded), bias: Float32Array.from(shifted) }
}

/** The other way round: `x · W + b` as `((x − centre) / spread) · W′ + b′`. */
function unfoldScale(
  { weights, bias }: LinearHead,
  { centre, spread }: LinearScale,
  classes: number,
): LinearHead {
  const unfolded = new Float32Array(weights.length)
  const shifted = Float64Array.from(bias)
  for (let i = 0; i < centre.length; i++) {
    for (let c = 0; c < classes; c++) {
      const weight = weights[i * classes + c]!
      unfolded[i * classes + c] = weight * spread[i]!
      shifted[c]! += centre[i]! * weight
    }
  }
  return { weights: unfolded, bias: Float32Array.from(shifted) }
}

function meanHead(heads: readonly LinearHead[]): LinearHead {
  const mean = (pick: (head: LinearHead) => Float32Array) => {
    const sum = new Float64Array(pick(heads[0]!).length)
    for (const head of heads) for (const [i, value] of pick(head).entries()) sum[i]! += value
    return Float32Array.from(sum, (value) => value / heads.length)
  }
  return { weights: mean(({ weights }) => weights), bias: mean(({ bias }) => bias) }
}

/** Weights that make up for unequal counts, as the square root of their ratio; all 1 where counts are about equal. */
export function balanceWeights(labels: Int32Array, classes: number): Float32Array {
  const counts = countLabels(labels, classes)
  const present = counts.filter((count) => count > 0)
  const mean = labels.length / present.length
  const isEven = Math.max(...present) < EVEN_RATIO * Math.min(...present)
  return Float32Array.from(labels, (label) => (isEven ? 1 : Math.sqrt(mean / counts[label]!)))
}

function countLabels(labels: Iterable<number>, classes: number): Int32Array {
  const counts = new Int32Array(classes)
  for (const label of labels) counts[label]!++
  return counts
}

function medianCount(labels: Int32Array, rows: readonly number[], classes: number): number {
  const counts = countLabels(
    rows.map((row) => labels[row]!),
    classes,
  ).sort()
  return counts[Math.floor(counts.length / 2)]!
}

async function scaleRows(data: LabelledRows, rows: readonly number[], scaling: Scaling) {
  const features = gatherRows(data.features, data.width, rows)
  transformFeatures(features, data.width, scaling, features)
  const all = Array.from({ length: rows.length }, (_, index) => index)
  const scale = fitLinearScale(features, data.width, scaling, all)
  applyLinearScale(features, data.width, scale)
  return { scale, features }
}

const subsetOf = (
  { width, labels, classes, groups }: LabelledRows,
  rows: readonly number[],
  features: Float32Array,
): LabelledRows => ({
  features,
  width,
  classes,
  labels: Int32Array.from(rows, (row) => labels[row]!),
  groups: Int32Array.from(rows, (row) => groups[row]!),
})

/** About `most` of `rows`, an equal share of each label. */
function sampleRows(
  { labels, classes }: LabelledRows,
  rows: readonly number[],
  seed: number,
  most = MAX_COMPARED_ROWS,
): readonly number[] {
  if (rows.length <= most) return rows
  const share = most / rows.length
  const shuffled = createRandom(seed).shuffle([...rows])
  const counts = countLabels(
    rows.map((row) => labels[row]!),
    classes,
  )
  const taken = new Int32Array(classes)
  return shuffled
    .filter((row) => taken[labels[row]!]!++ < Math.max(FOLDS, counts[labels[row]!]! * share))
    .sort((a, b) => a - b)
}

function foldsOf({ labels, groups }: LabelledRows, rows: readonly number[], seed: number) {
  return assignFolds(
    Int32Array.from(rows, (row) => labels[row]!),
    Int32Array.from(rows, (row) => groups[row]!),
    FOLDS,
    createRandom(seed),
  )
}

/** Row weights of each fold's training side: those of the fold itself are 0. */
function foldWeights(labels: Int32Array, classes: number, folds: Int32Array): Float32Array[] {
  const balanced = balanceWeights(labels, classes)
  const count = folds.reduce((most, fold) => Math.max(most, fold + 1), 1)
  return Array.from({ length: count }, (_, fold) =>
    balanced.map((weight, row) => (folds[row] === fold ? 0 : weight)),
  )
}

/** Logits `[n, classes]` of each row by the head that did not see it. */
async function heldOutLogits(
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
function judgeLogits(
  { labels, classes }: LabelledRows,
  rows: readonly number[],
  folds: Int32Array,
  logits: Float32Array,
) {
  const { held, heldLogits } = heldOut(labels, classes, rows, folds, logits)
  if (held.length === 0) return { accuracy: 0, loss: Number.POSITIVE_INFINITY, temperature: 1 }
  const accuracy = accuracyOf(heldLogits, classes, held)
  // Where nothing is wrong the best temperature is none at all, and every score would be 1.
  const temperature = accuracy === 1 ? 1 : fitTemperature(heldLogits, classes, held)
  return {
    accuracy,
    temperature,
    loss: negativeLogLikelihood(heldLogits, classes, held, temperature),
  }
}

/** Labels and logits of the rows that were held out once. */
export function heldOut(
  labels: Int32Array,
  classes: number,
  rows: readonly number[],
  folds: Int32Array,
  logits: Float32Array,
) {
  const places = [...rows.keys()].filter((place) => folds[place]! >= 0)
  return {
    places,
    held: Int32Array.from(places, (place) => labels[rows[place]!]!),
    heldLogits: gatherRows(logits, classes, places),
  }
}
