/**
 * Chooses how a head is trained by cross-validation on the training rows: scaling, L2 strength or nearest centroids,
 * temperature. Computes on the calling thread.
 */
import type { Gemm } from '../tensor/gemm.ts'
import { medianCount } from './balance-weights.ts'
import { foldScale, meanHead } from './fold-scale.ts'
import type { HeadSetting, SearchOptions, Trial } from './head-setting.ts'
import {
  ESTIMATE,
  foldsOf,
  heldOutLogits,
  judgeHeldOut,
  type OutOfFold,
  trainFolds,
} from './held-out.ts'
import { type LabelledRows, sampleRows, scaleRows } from './labelled-rows.ts'
import { SCALINGS } from './scaling.ts'
import type { LinearHead } from './softmax-regression.ts'

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
/** Rows on which settings are compared; beyond that more rows cost time and change no choice. */
const MAX_COMPARED_ROWS = 2048
/** Rows on which scalings are compared, which differ more, and on which a single figure is found. */
const MAX_SCALING_ROWS = 1024
/** Rows on which the temperature is fitted. */
const MAX_CALIBRATED_ROWS = 3072

export interface HeadChoice {
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
  const isFewShot = medianCount(data.labels, rows, data.classes) < FEW_SHOT
  const scalingTrials = await compareScalings(gemm, data, rows, foldOf, isFewShot, options)
  const { scaling } = scalingTrials.reduce((a, b) => (b.loss < a.loss ? b : a))

  const compared = sampleRows(data, rows, options.seed, MAX_COMPARED_ROWS)
  const folds = Int32Array.from(compared, (row) => foldOf[row]!)
  const scaled = scaleRows(data, compared, scaling)
  const settings: HeadSetting[] = [
    ...(isFewShot ? [{ method: 'nearest centroids', scaling, l2: 0 } as const] : []),
    // From the strongest L2 to the weakest, each from the solution before.
    ...(isFewShot ? FEW_SHOT_L2_PATH : L2_PATH).map(
      (l2) => ({ method: 'logistic regression', scaling, l2 }) as const,
    ),
  ]
  const trials: Trial[] = []
  let best: { trial: Trial; logits: Float32Array; heads: readonly LinearHead[] } | undefined
  let starts: readonly LinearHead[] = []
  for (const setting of settings) {
    const trained = await trainFolds(scaled, folds, setting, options, starts)
    const heads = trained.map((head) => foldScale(head, scaled.scale, data.classes))
    const logits = await heldOutLogits(gemm, scaled, folds, trained)
    const trial = { ...setting, ...judgeHeldOut(data, { rows: compared, folds, logits }) }
    trials.push(trial)
    options.onStep?.(trial)
    if (setting.method === 'logistic regression') starts = heads
    if (best === undefined || trial.loss < best.trial.loss) best = { trial, logits, heads }
    else if (trial.loss > best.trial.loss * GROWN && setting.l2 > 0) break
  }
  if (best === undefined) throw new RangeError('Expected settings to compare, received none')

  const { trial, heads, logits } = best
  return {
    chosen: trial,
    head: meanHead(heads),
    foldHeads: heads,
    foldOf,
    trials: [...scalingTrials, ...trials],
    outOfFold: { rows: compared, logits, folds },
  }
}

async function compareScalings(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  foldOf: Int32Array,
  isFewShot: boolean,
  options: SearchOptions,
): Promise<Trial[]> {
  const compared = sampleRows(data, rows, options.seed, MAX_SCALING_ROWS)
  const folds = Int32Array.from(compared, (row) => firstFolds(foldOf[row]!))
  const trials: Trial[] = []
  for (const scaling of SCALINGS) {
    const l2 = isFewShot ? FEW_SHOT_SCALING_L2 : SCALING_L2
    const setting: HeadSetting = { method: 'logistic regression', scaling, l2 }
    const scaled = scaleRows(data, compared, scaling)
    const heads = await trainFolds(scaled, folds, setting, options, [], ESTIMATE)
    const logits = await heldOutLogits(gemm, scaled, folds, heads)
    const trial = { ...setting, ...judgeHeldOut(data, { rows: compared, folds, logits }) }
    trials.push(trial)
    options.onStep?.(trial)
  }
  return trials
}

const firstFolds = (fold: number): number => (fold < SCALING_FOLDS ? fold : -1)

/** Continues from the folds' heads on more rows: fewer photos make a worse head, and a worse temperature. */
export async function answerHeldOut(
  gemm: Gemm,
  data: LabelledRows,
  all: readonly number[],
  { chosen, foldHeads, foldOf }: Pick<HeadChoice, 'chosen' | 'foldHeads' | 'foldOf'>,
  options: SearchOptions,
): Promise<OutOfFold> {
  const rows = sampleRows(data, all, options.seed, MAX_CALIBRATED_ROWS)
  const folds = Int32Array.from(rows, (row) => foldOf[row]!)
  const scaled = scaleRows(data, rows, chosen.scaling)
  const heads = await trainFolds(scaled, folds, chosen, options, foldHeads)
  return { rows, folds, logits: await heldOutLogits(gemm, scaled, folds, heads) }
}

/** Accuracy on rows whose look-alikes were learned from: what a split by chance would have reported. */
export async function accuracyByChance(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  setting: HeadSetting,
  options: SearchOptions,
): Promise<number> {
  const compared = sampleRows(data, rows, options.seed, MAX_SCALING_ROWS)
  const alone = { ...data, groups: Int32Array.from(data.labels, (_, row) => row) }
  const folds = foldsOf(alone, compared, options.seed).map(firstFolds)
  const scaled = scaleRows(data, compared, setting.scaling)
  const heads = await trainFolds(scaled, folds, setting, options, [], ESTIMATE)
  const logits = await heldOutLogits(gemm, scaled, folds, heads)
  return judgeHeldOut(data, { rows: compared, folds, logits }).accuracy
}

/** Held-out logits of every one of `rows` under one setting, for finding wrong labels. */
export async function crossPredict(
  gemm: Gemm,
  data: LabelledRows,
  rows: readonly number[],
  setting: HeadSetting,
  options: SearchOptions,
): Promise<OutOfFold> {
  const folds = foldsOf(data, rows, options.seed)
  const scaled = scaleRows(data, rows, setting.scaling)
  const heads = await trainFolds(scaled, folds, setting, options)
  return { rows, folds, logits: await heldOutLogits(gemm, scaled, folds, heads) }
}
