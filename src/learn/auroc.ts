/** How well a score tells photos of unknown things from photos of known ones. */
import { requireOrdered, requireRows } from './scores.ts'

/**
 * Area under the ROC curve: the probability that a photo of something unknown (`outScores`) scores higher than one of
 * something known (`inScores`), a tie counting one half (Mann and Whitney 1947; Hanley and McNeil 1982). 1 is perfect,
 * 0.5 is chance. Higher scores mean more unknown. RangeError for no scores on either side or NaN.
 */
export function auroc(inScores: Scored, outScores: Scored): number {
  const known = sortScores(inScores)
  const unknown = sortScores(outScores)
  let below = 0
  let notAbove = 0
  let wins = 0
  for (const score of unknown) {
    while (below < known.length && known[below]! < score) below++
    while (notAbove < known.length && known[notAbove]! <= score) notAbove++
    wins += (below + notAbove) / 2
  }
  return wins / (known.length * unknown.length)
}

/**
 * Share of photos of unknown things that still pass as known at the threshold that lets the share `tpr` of known photos
 * pass (FPR95; Liang et al. 2018, arXiv 1706.02690, section 4.3, where the known photos are the positives). The
 * threshold is the lowest that suffices, and a score equal to it passes. Higher scores mean more unknown. RangeError
 * for no scores on either side, NaN, or a `tpr` outside `(0, 1]`.
 */
export function fprAtTpr(inScores: Scored, outScores: Scored, tpr = 0.95): number {
  if (!(tpr > 0 && tpr <= 1)) {
    throw new RangeError(`Expected a share above 0 and up to 1, received ${tpr}`)
  }
  const known = sortScores(inScores)
  requireSide(outScores)
  let needed = Math.ceil(tpr * known.length)
  // The product can round up across a whole number: 0.07 × 100 is 7.000000000000001.
  if ((needed - 1) / known.length >= tpr) needed--
  const threshold = known[needed - 1]!
  let passed = 0
  for (let i = 0; i < outScores.length; i++) if (outScores[i]! <= threshold) passed++
  return passed / outScores.length
}

type Scored = Float32Array | Float64Array

function sortScores(scores: Scored): Float64Array {
  requireSide(scores)
  return Float64Array.from(scores).sort()
}

function requireSide(scores: Scored): void {
  requireRows(scores.length)
  requireOrdered('score', scores)
}
