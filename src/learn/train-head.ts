/** Trains the head that is kept. */
import { balanceWeights } from './balance-weights.ts'
import { centroidHead } from './centroid-head.ts'
import { foldScale, unfoldScale } from './fold-scale.ts'
import type { HeadSetting, SearchOptions } from './head-setting.ts'
import { type LabelledRows, scaleRows } from './labelled-rows.ts'
import { type LinearHead, openSoftmaxSolver } from './softmax-regression.ts'

const FINAL = { tolerance: 1e-3, maxIterations: 200 }

/**
 * Trains with a setting on `rows`, from a head that comes near, and folds the scale into the matrix:
 * logits = transform(x) · W + b.
 */
export async function trainHead(
  data: LabelledRows,
  rows: readonly number[],
  { scaling, l2, method }: HeadSetting,
  start: LinearHead,
  options: SearchOptions,
): Promise<LinearHead> {
  const scaled = scaleRows(data, rows, scaling)
  const { scale, labels, classes } = scaled
  const rowWeights = balanceWeights(labels, classes)
  if (method === 'nearest centroids') {
    return foldScale(centroidHead(scaled, rowWeights), scale, classes)
  }
  const solver = await openSoftmaxSolver(scaled, options.threads)
  try {
    const near = unfoldScale(start, scale, classes)
    const [head] = await solver.solve([{ rowWeights, l2, start: near }], {
      ...FINAL,
      onStep: () => options.onStep?.(),
    })
    return foldScale(head!, scale, classes)
  } finally {
    await solver.close()
  }
}
