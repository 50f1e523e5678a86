/**
 * Which photos are learned from and which are measured with.
 *
 * Photos that belong together (the same bytes, a named group, near duplicates) form a unit, and a unit is never divided:
 * a photo whose twin was learned from measures memory, not knowledge. Units are given out label by label, largest first,
 * each to the side that its labels lack most.
 */
import { VergerError } from '../core/errors.ts'
import { createRandom } from '../learn/random.ts'
import { UnionFind } from '../learn/union-find.ts'
import { assignUnits, type Shares, type Unit } from './assign-units.ts'
import { compareCodePoints } from './code-point-order.ts'
import { groupBy } from './group-by.ts'
import type { DatasetPhoto, Split } from './manifest.ts'

export interface SplitOptions {
  /** Whole number; the same seed gives the same plan, in whatever order the photos come. */
  readonly seed: number
  /** Share of the photos to choose settings with, 0 to 1 (default 0.2). */
  readonly validationShare?: number
  /** Share of the photos to measure with at the very end, 0 to 1 (default 0). */
  readonly testShare?: number
  /** Photos that belong together beside those of one group name and those with the same bytes, by their index. */
  readonly groups?: readonly (readonly number[])[]
}

export interface SplitPlan {
  /** Side of each photo, in the order in which the photos were given. */
  readonly sides: readonly Split[]
  /** Units of two photos or more. */
  readonly groupCount: number
  /** Labels that do not stand on every side, because they have too few units or share them with other labels. */
  readonly incompleteLabels: readonly string[]
  readonly leak: {
    /** Photos held out of training by a random split of the same shares and seed that heeds nothing. */
    readonly heldOut: number
    /** How many of them it would have parted from a photo that they belong together with. */
    readonly avoided: number
  }
}

/** Photos with the sides that a plan gives them, in place of those they had. */
export function applySplit(photos: readonly DatasetPhoto[], { sides }: SplitPlan): DatasetPhoto[] {
  return photos.map((photo, index) => ({ ...photo, split: sides[index] ?? 'train' }))
}

export type SplitPhoto = Pick<DatasetPhoto, 'path' | 'sha256' | 'label' | 'group'>

/** Plans a split. Throws `usage_invalid` where shares or seed make no sense. */
export function planSplit(
  photos: readonly SplitPhoto[],
  { seed, validationShare = 0.2, testShare = 0, groups = [] }: SplitOptions,
): SplitPlan {
  checkOptions({ seed, validationShare, testShare })
  const shares: Shares = {
    train: 1 - validationShare - testShare,
    validation: validationShare,
    test: testShare,
  }
  // Everything random starts from this order, so that the plan does not depend on that of the photos.
  const ordered = photos.map((_, index) => index)
  const pathOf = (index: number) => photos[index]?.path ?? ''
  ordered.sort((a, b) => compareCodePoints(pathOf(a), pathOf(b)))

  const links = findLinks(photos, groups)
  const units = findUnits(photos, ordered, links)
  const random = createRandom(seed)
  const { sideOf, incompleteLabels } = assignUnits(random.shuffle([...units]), shares)
  const sides = new Array<Split>(photos.length).fill('train')
  for (const [unit, side] of sideOf) for (const photo of unit.photos) sides[photo] = side
  return {
    sides,
    groupCount: units.filter((unit) => unit.photos.length > 1).length,
    incompleteLabels,
    leak: measureLeak(random.shuffle([...ordered]), links, shares),
  }
}

function checkOptions(options: Required<Omit<SplitOptions, 'groups'>>): void {
  const { seed, validationShare, testShare } = options
  const isShare = (share: number) => share >= 0 && share < 1
  const isFine =
    isShare(validationShare) && isShare(testShare) && validationShare + testShare < 1 - 1e-9
  if (isFine && Number.isSafeInteger(seed)) return
  throw new VergerError(
    'usage_invalid',
    `Expected shares from 0 that leave photos to train on and a whole number as seed, received ${validationShare} for validation, ${testShare} for test, seed ${seed}`,
    { hint: 'For example 0.2 for validation and 0.1 for test.', details: options },
  )
}

/** Sets of photos that belong together, by index; one photo may be in several. */
function findLinks(
  photos: readonly SplitPhoto[],
  groups: readonly (readonly number[])[],
): (readonly number[])[] {
  const indices = photos.map((_, index) => index)
  const named = indices.filter((index) => photos[index]?.group !== undefined)
  const links = [
    ...groupBy(indices, (index) => photos[index]?.sha256).values(),
    ...groupBy(named, (index) => photos[index]?.group).values(),
    ...groups,
  ]
  return links.filter((link) => link.length > 1)
}

/** Units in the order of their first paths. */
function findUnits(
  photos: readonly SplitPhoto[],
  ordered: readonly number[],
  links: readonly (readonly number[])[],
): Unit[] {
  const sets = new UnionFind(photos.length)
  for (const [first = 0, ...others] of links) for (const other of others) sets.join(first, other)
  return [...groupBy(ordered, (index) => sets.find(index)).values()].map((members) => {
    const labels = groupBy(members, (index) => photos[index]?.label ?? '')
    return {
      photos: members,
      labels: new Map([...labels].map(([label, { length }]) => [label, length])),
    }
  })
}

/** What a split that only shuffles would have parted. */
function measureLeak(
  shuffled: readonly number[],
  links: readonly (readonly number[])[],
  shares: Shares,
): SplitPlan['leak'] {
  const count = shuffled.length
  const train = Math.round(count * shares.train)
  const test = Math.min(count - train, Math.round(count * shares.test))
  const sideOf = new Map<number, Split>()
  for (const [place, photo] of shuffled.entries()) {
    sideOf.set(photo, place < train ? 'train' : place < count - test ? 'validation' : 'test')
  }
  const parted = new Set<number>()
  for (const link of links) {
    const linkSides = new Set(link.map((photo) => sideOf.get(photo)))
    if (linkSides.size < 2) continue
    for (const photo of link) if (sideOf.get(photo) !== 'train') parted.add(photo)
  }
  return { heldOut: count - train, avoided: parted.size }
}
