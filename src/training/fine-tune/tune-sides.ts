/** Which photos a fine-tuning learns from, and which tell it when to stop. */
import type { DatasetPhoto } from '../../datasets/manifest.ts'
import { planSplit } from '../../datasets/split.ts'
import { evenly } from '../../learn/evenly.ts'
import type { Sides } from '../plan-sides.ts'

export interface TuneSides {
  readonly learn: readonly number[]
  /** Judges each epoch and fits the thresholds; never learned from. */
  readonly validation: readonly number[]
  /** Whether the validation photos are those that the figures come from, for want of others. */
  readonly isShared: boolean
}

/** Share of the training side that judges epochs where a dataset brings no side for it. */
const VALIDATION_SHARE = 0.1
/** Photos that judge at most: more would cost time at each epoch and tell little that is new. */
const MOST_JUDGES = 1500

/**
 * Takes the validation side of a dataset, or plans one that parts no look-alikes from what is learned. `groups` `[photos]`
 * are those of the split.
 */
export function planTuneSides(
  photos: readonly DatasetPhoto[],
  groups: Int32Array,
  sides: Sides,
  seed: number,
): TuneSides {
  const { learn, validation, isShared } = partSides(photos, groups, sides, seed)
  return { learn, validation: evenly(validation, MOST_JUDGES), isShared }
}

function partSides(
  photos: readonly DatasetPhoto[],
  groups: Int32Array,
  { train, measured }: Sides,
  seed: number,
): TuneSides {
  const isValidation = (row: number) => photos[row]?.split === 'validation'
  if (measured.some(isValidation)) return { learn: train, validation: measured, isShared: true }
  const brought = train.filter(isValidation)
  if (brought.length > 0) {
    return {
      learn: train.filter((row) => !isValidation(row)),
      validation: brought,
      isShared: false,
    }
  }
  const members = new Map<number, number[]>()
  for (const [place, row] of train.entries()) {
    const group = groups[row] ?? -1
    members.set(group, [...(members.get(group) ?? []), place])
  }
  const plan = planSplit(
    train.flatMap((row) => photos[row] ?? []),
    {
      seed,
      validationShare: VALIDATION_SHARE,
      groups: [...members.values()],
    },
  )
  const validation = train.filter((_, place) => plan.sides[place] === 'validation')
  return validation.length === 0
    ? { learn: train, validation: measured, isShared: true }
    : {
        learn: train.filter((_, place) => plan.sides[place] === 'train'),
        validation,
        isShared: false,
      }
}
