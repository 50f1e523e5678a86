/**
 * Gives units of photos to the sides of a split, label by label, so that each label comes close to its shares.
 *
 * Labels with the fewest units come first, because they have the least choice. Within a label the largest units come
 * first, each to the side that lacks most. What rounding takes from a side (half a photo at most) is given back in the
 * next label, so that many small labels do not add up to a wrong share.
 */
import { compareCodePoints } from './code-point-order.ts'
import { SPLITS, type Split } from './manifest.ts'

/** Part of the photos that each side should have; together 1. */
export type Shares = Readonly<Record<Split, number>>

/** Photos that go to one side together. */
export interface Unit {
  /** Indices of its photos. */
  readonly photos: readonly number[]
  /** How many of them each label has. */
  readonly labels: ReadonlyMap<string, number>
}

export interface Assignment {
  readonly sideOf: ReadonlyMap<Unit, Split>
  /** Labels that do not stand on every side that has a share, in the order of their code points. */
  readonly incompleteLabels: readonly string[]
}

/** What one side has of one label. */
interface Quota {
  /** Photos that it still lacks; below 0 where it has too many. */
  missing: number
  units: number
}
type Quotas = Readonly<Record<Split, Quota>>

/** Most that one label hands on to the next. */
const MAX_CARRY = 0.5

/** Units of equal size are taken in the order in which they come: shuffle them first. */
export function assignUnits(units: readonly Unit[], shares: Shares): Assignment {
  const wanted = SPLITS.filter((side) => shares[side] > 0)
  const unitsOf = unitsByLabel(units)
  const quotasOf = new Map(
    [...unitsOf].map(([label, own]) => [label, startQuotas(label, own, shares)]),
  )
  const sideOf = new Map<Unit, Split>()
  const carry: Record<Split, number> = { train: 0, validation: 0, test: 0 }

  const fewestFirst = [...unitsOf].sort(
    ([a, ofA], [b, ofB]) => ofA.length - ofB.length || compareCodePoints(a, b),
  )
  for (const [label, own] of fewestFirst) {
    const quotas = quotasOf.get(label)
    if (quotas === undefined) continue
    for (const side of wanted) quotas[side].missing += carry[side]
    const open = own.filter((unit) => !sideOf.has(unit))
    open.sort((a, b) => b.photos.length - a.photos.length)
    for (const [index, unit] of open.entries()) {
      // A label with one unit can only be learned from; with two it can be measured on one side.
      const empty = wanted.slice(0, own.length).filter((side) => quotas[side].units === 0)
      const isLastChance = empty.length > 0 && empty.length >= open.length - index
      const side = neediest(isLastChance ? empty : wanted, unit, quotasOf)
      sideOf.set(unit, side)
      count(unit, side, quotasOf)
    }
    for (const side of wanted) {
      carry[side] = Math.max(-MAX_CARRY, Math.min(MAX_CARRY, quotas[side].missing))
    }
  }
  const incompleteLabels = [...quotasOf]
    .filter(([, quotas]) => wanted.some((side) => quotas[side].units === 0))
    .map(([label]) => label)
    .sort(compareCodePoints)
  return { sideOf, incompleteLabels }
}

function unitsByLabel(units: readonly Unit[]): Map<string, Unit[]> {
  const unitsOf = new Map<string, Unit[]>()
  for (const unit of units) {
    for (const label of unit.labels.keys()) {
      const own = unitsOf.get(label)
      if (own === undefined) unitsOf.set(label, [unit])
      else own.push(unit)
    }
  }
  return unitsOf
}

function startQuotas(label: string, units: readonly Unit[], shares: Shares): Quotas {
  const photos = units.reduce((sum, unit) => sum + (unit.labels.get(label) ?? 0), 0)
  const quota = (side: Split): Quota => ({ missing: photos * shares[side], units: 0 })
  return { train: quota('train'), validation: quota('validation'), test: quota('test') }
}

/** The side on which the labels of a unit lack most, each weighed by its part of the unit; the first of equals. */
function neediest(
  sides: readonly Split[],
  unit: Unit,
  quotasOf: ReadonlyMap<string, Quotas>,
): Split {
  let best: Split = sides[0] ?? 'train'
  let most = Number.NEGATIVE_INFINITY
  for (const side of sides) {
    let need = 0
    for (const [label, photos] of unit.labels) {
      need += photos * (quotasOf.get(label)?.[side].missing ?? 0)
    }
    if (need <= most) continue
    most = need
    best = side
  }
  return best
}

function count(unit: Unit, side: Split, quotasOf: ReadonlyMap<string, Quotas>): void {
  for (const [label, photos] of unit.labels) {
    const quota = quotasOf.get(label)?.[side]
    if (quota === undefined) continue
    quota.missing -= photos
    quota.units++
  }
}
