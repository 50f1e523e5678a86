/** Rows to learn from: some of many, brought to one scale. */
import { countLabels } from './balance-weights.ts'
import { gatherRows } from './gather-rows.ts'
import { createRandom } from './random.ts'
import {
  applyLinearScale,
  fitLinearScale,
  type LinearScale,
  type Scaling,
  transformFeatures,
} from './scaling.ts'

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

/** Rows brought to one scale, and the scale. */
export interface ScaledRows extends LabelledRows {
  readonly scale: LinearScale
}

/** Rows that a sample keeps of a label at least, where it has them: one for each fold. */
const LEAST = 5

/** Copies `rows` and brings them to a scale that is fitted on them. */
export function scaleRows(
  data: LabelledRows,
  rows: readonly number[],
  scaling: Scaling,
): ScaledRows {
  const features = gatherRows(data.features, data.width, rows)
  transformFeatures(features, data.width, scaling, features)
  const scale = fitLinearScale(features, data.width, scaling)
  applyLinearScale(features, data.width, scale)
  const { width, labels, classes, groups } = data
  return {
    features,
    scale,
    width,
    classes,
    labels: Int32Array.from(rows, (row) => labels[row]!),
    groups: Int32Array.from(rows, (row) => groups[row]!),
  }
}

/** About `most` of `rows`, an equal share of each label. */
export function sampleRows(
  { labels, classes }: LabelledRows,
  rows: readonly number[],
  seed: number,
  most: number,
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
    .filter((row) => taken[labels[row]!]!++ < Math.max(LEAST, counts[labels[row]!]! * share))
    .sort((a, b) => a - b)
}
