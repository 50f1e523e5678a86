/** Which photos are learned from and which are measured with, and what a reader must know about it. */
import { VergerError } from '../core/errors.ts'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import { planSplit } from '../datasets/split.ts'
import { UnionFind } from '../learn/union-find.ts'
import type { GroupResult } from './fit-task.ts'

export interface Sides {
  /** Rows to learn from while measuring. */
  readonly train: readonly number[]
  readonly measured: readonly number[]
  /** Rows for the head that is kept: all but photos marked `test`. */
  readonly final: readonly number[]
  /** How the measured photos were chosen, for the report. */
  readonly choice: string
  readonly notes: readonly string[]
  readonly cautions: readonly string[]
}

/** Share of photos that a model of a dataset without sides is measured with. */
const MEASURED_SHARE = 0.2

/**
 * Takes the sides that a dataset brings, or plans one that parts no look-alikes. Throws `dataset_untrainable` where photos
 * look so much alike that none could be measured.
 */
export function planSides(
  photos: readonly DatasetPhoto[],
  { groups, pairs, parted }: GroupResult,
  seed: number,
): Sides {
  const rows = [...photos.keys()]
  const sideOf = photos.map(({ split }) => split ?? 'train')
  const count = (side: string) => sideOf.filter((each) => each === side).length
  if (count('test') > 0 || count('validation') > 0) {
    const measuredSide = count('test') > 0 ? 'test' : 'validation'
    const leaks = countLeaks(rows, pairs, (row) => sideOf[row] === measuredSide)
    return {
      train: rows.filter((row) => sideOf[row] !== measuredSide),
      measured: rows.filter((row) => sideOf[row] === measuredSide),
      final: rows.filter((row) => sideOf[row] !== 'test'),
      choice: `the ${measuredSide} side that the dataset brings`,
      notes: [],
      cautions:
        leaks === 0
          ? []
          : [
              `${leaks} of the measured photos are near duplicates of photos learned from, directly or in a chain: the dataset's own split parts them.`,
            ],
    }
  }
  const byGroup = new Map<number, number[]>()
  for (const row of rows) {
    const group = groups[row] ?? row
    byGroup.set(group, [...(byGroup.get(group) ?? []), row])
  }
  const plan = planSplit(photos, {
    seed,
    validationShare: MEASURED_SHARE,
    groups: [...byGroup.values()],
  })
  const measured = rows.filter((row) => plan.sides[row] === 'validation')
  if (measured.length === 0) throw allAlike(photos.length)
  const { heldOut, avoided } = plan.leak
  return {
    train: rows.filter((row) => plan.sides[row] === 'train'),
    measured,
    final: rows,
    choice: `photos that look unlike those learned from (a fifth of each label, seed ${seed})`,
    notes: [
      `A split by chance would have parted ${avoided} of the ${heldOut} photos that it measures with from a look-alike or their group.`,
      ...(parted === 0
        ? []
        : [
            `${parted === 1 ? '1 pair of near duplicates was' : `${parted} pairs of near duplicates were`} parted all the same: they chain whole labels together, as the frames of a turntable do.`,
          ]),
      ...(plan.incompleteLabels.length === 0
        ? []
        : [
            `Not measured, for want of photos: ${plan.incompleteLabels.slice(0, 10).join(', ')}${plan.incompleteLabels.length > 10 ? ` and ${plan.incompleteLabels.length - 10} more` : ''}.`,
          ]),
    ],
    cautions: [],
  }
}

function allAlike(count: number): VergerError {
  return new VergerError(
    'dataset_untrainable',
    `Expected photos that look different, to learn from some of a label and measure with others; received ${count} that look alike, or belong to one group, within each label`,
    { hint: 'Add photos of other things, from other sides or before other backgrounds.' },
  )
}

/** Measured rows whose chain of near duplicates reaches the other side: `pairs` hold chains together, no more. */
function countLeaks(
  rows: readonly number[],
  pairs: GroupResult['pairs'],
  isMeasured: (row: number) => boolean,
): number {
  const chains = new UnionFind(rows.length)
  for (const { first, second } of pairs) chains.join(first, second)
  const learned = new Set(rows.filter((row) => !isMeasured(row)).map((row) => chains.find(row)))
  return rows.filter((row) => isMeasured(row) && learned.has(chains.find(row))).length
}
