import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from '../learn/random.ts'
import { SPLITS, type Split } from './manifest.ts'
import { planSplit, type SplitOptions, type SplitPhoto } from './split.ts'

/** Photos of one label, all different. */
function makePhotos(label: string, count: number): SplitPhoto[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `${label}/${index}.jpg`,
    sha256: `${label} ${index}`,
    label,
  }))
}

function makeRandomDataset(random: Random): {
  readonly photos: SplitPhoto[]
  readonly groups: number[][]
} {
  const labels = 1 + random.integer(8)
  const photos: SplitPhoto[] = Array.from({ length: 1 + random.integer(200) }, (_, index) => {
    const label = `label ${random.integer(labels)}`
    const isCopy = random.next() < 0.1
    const sha256 = isCopy ? `copy ${random.integer(5)} of ${label}` : `photo ${index}`
    const photo = { path: `${label}/${index}.jpg`, sha256, label }
    return random.next() < 0.2 ? { ...photo, group: `plant ${random.integer(20)}` } : photo
  })
  const groups = Array.from({ length: random.integer(6) }, () =>
    Array.from({ length: random.integer(4) }, () => random.integer(photos.length)),
  )
  return { photos, groups }
}

/** Units that the plan must not divide, found the slow way: label propagation until nothing changes. */
function slowUnits(
  photos: readonly SplitPhoto[],
  groups: readonly (readonly number[])[],
): number[] {
  const unit = photos.map((_, index) => index)
  const groupOf = (index: number) => groups.filter((group) => group.includes(index))
  const isLinked = (a: number, b: number) =>
    photos[a]?.sha256 === photos[b]?.sha256 ||
    (photos[a]?.group !== undefined && photos[a]?.group === photos[b]?.group) ||
    groupOf(a).some((group) => group.includes(b))
  for (let changed = true; changed; ) {
    changed = false
    for (const a of photos.keys()) {
      for (const b of photos.keys()) {
        if (unit[a] === unit[b] || !isLinked(a, b)) continue
        unit[a] = unit[b] = Math.min(unit[a] ?? 0, unit[b] ?? 0)
        changed = true
      }
    }
  }
  return unit
}

const count = (sides: readonly Split[], side: Split) => sides.filter((one) => one === side).length

function countLabel(
  photos: readonly SplitPhoto[],
  sides: readonly Split[],
  label: string,
): Record<Split, number> {
  const ofLabel = sides.filter((_, index) => photos[index]?.label === label)
  return {
    train: count(ofLabel, 'train'),
    validation: count(ofLabel, 'validation'),
    test: count(ofLabel, 'test'),
  }
}

describe('planSplit on photos that are all different', () => {
  it('gives each label the shares that were asked for', () => {
    const photos = [...makePhotos('a', 100), ...makePhotos('b', 40), ...makePhotos('c', 10)]
    const { sides } = planSplit(photos, { seed: 1, validationShare: 0.2, testShare: 0.1 })
    expect(countLabel(photos, sides, 'a')).toEqual({ train: 70, validation: 20, test: 10 })
    expect(countLabel(photos, sides, 'b')).toEqual({ train: 28, validation: 8, test: 4 })
    expect(countLabel(photos, sides, 'c')).toEqual({ train: 7, validation: 2, test: 1 })
  })

  it.each([
    [1, { train: 1, validation: 0, test: 0 }],
    [2, { train: 1, validation: 1, test: 0 }],
    [3, { train: 2, validation: 1, test: 0 }],
    [5, { train: 4, validation: 1, test: 0 }],
  ])('puts a label of %i on every side that it can stand on', (size, expected) => {
    const photos = makePhotos('a', size)
    expect(countLabel(photos, planSplit(photos, { seed: 3 }).sides, 'a')).toEqual(expected)
  })

  it('needs three units for three sides', () => {
    const photos = [...makePhotos('a', 2), ...makePhotos('b', 3)]
    const plan = planSplit(photos, { seed: 1, validationShare: 0.1, testShare: 0.1 })
    expect(countLabel(photos, plan.sides, 'a')).toEqual({ train: 1, validation: 1, test: 0 })
    expect(countLabel(photos, plan.sides, 'b')).toEqual({ train: 1, validation: 1, test: 1 })
    expect(plan.incompleteLabels).toEqual(['a'])
  })

  it('does not let many small labels add up to another share', () => {
    const photos = Array.from({ length: 500 }, (_, index) => makePhotos(`label ${index}`, 7)).flat()
    const { sides } = planSplit(photos, { seed: 1 })
    expect(count(sides, 'validation')).toBeGreaterThanOrEqual(699)
    expect(count(sides, 'validation')).toBeLessThanOrEqual(701)
  })

  it('chooses other photos with another seed', () => {
    const photos = makePhotos('a', 100)
    const [first, again, other] = [1, 1, 2].map((seed) => planSplit(photos, { seed }).sides)
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  it('avoids no leak where there is none', () => {
    const plan = planSplit(makePhotos('a', 100), { seed: 1 })
    expect(plan).toMatchObject({ groupCount: 0, leak: { heldOut: 20, avoided: 0 } })
  })

  it('takes no photos', () => {
    expect(planSplit([], { seed: 1 })).toEqual({
      sides: [],
      groupCount: 0,
      incompleteLabels: [],
      leak: { heldOut: 0, avoided: 0 },
    })
  })
})

describe('planSplit on photos that belong together', () => {
  it('keeps copies, named groups and near duplicates together, also through one another', () => {
    const photos: SplitPhoto[] = [
      { path: 'a/1.jpg', sha256: 'x', label: 'a' },
      { path: 'b/1.jpg', sha256: 'x', label: 'b', group: 'plant' },
      { path: 'b/2.jpg', sha256: 'y', label: 'b', group: 'plant' },
      { path: 'b/3.jpg', sha256: 'z', label: 'b' },
      ...makePhotos('a', 20).map((photo) => ({ ...photo, path: `more/${photo.path}` })),
      ...makePhotos('b', 20).map((photo) => ({ ...photo, path: `more/${photo.path}` })),
    ]
    for (let seed = 0; seed < 20; seed++) {
      const { sides, groupCount } = planSplit(photos, { seed, groups: [[2, 3]] })
      expect(new Set(sides.slice(0, 4)).size).toBe(1)
      expect(groupCount).toBe(1)
    }
  })

  it('keeps photos that are all the same on one side', () => {
    const photos = makePhotos('a', 10).map((photo) => ({ ...photo, sha256: 'same' }))
    const plan = planSplit(photos, { seed: 1 })
    expect(count(plan.sides, 'train')).toBe(10)
    expect(plan.incompleteLabels).toEqual(['a'])
    expect(plan.leak).toEqual({ heldOut: 2, avoided: 2 })
  })

  it('divides a label of two large groups', () => {
    const photos = makePhotos('a', 10).map((photo, index) => ({
      ...photo,
      group: index < 5 ? 'left' : 'right',
    }))
    const { sides } = planSplit(photos, { seed: 1 })
    expect(countLabel(photos, sides, 'a')).toEqual({ train: 5, validation: 5, test: 0 })
  })

  it('counts the leak of a random split', () => {
    // Pairs: of 200 held-out photos of 1,000, each has its twin in training with probability 800 / 999.
    const photos = makePhotos('a', 1000).map((photo, index) => ({
      ...photo,
      sha256: `pair ${index >> 1}`,
    }))
    const leaks = [1, 2, 3, 4, 5].map((seed) => planSplit(photos, { seed }).leak)
    for (const { heldOut, avoided } of leaks) {
      expect(heldOut).toBe(200)
      expect(avoided).toBeGreaterThan(140)
      expect(avoided).toBeLessThan(180)
    }
  })
})

describe('planSplit on random datasets', () => {
  const random = createRandom(2024)
  const cases = Array.from({ length: 60 }, (_, index) => ({ index, ...makeRandomDataset(random) }))
  const options: SplitOptions = { seed: 5, validationShare: 0.25, testShare: 0.15 }

  it('never divides a unit', () => {
    for (const { photos, groups } of cases) {
      const { sides } = planSplit(photos, { ...options, groups })
      const units = slowUnits(photos, groups)
      for (const unit of new Set(units)) {
        expect(new Set(sides.filter((_, index) => units[index] === unit)).size).toBe(1)
      }
    }
  })

  it('does not depend on the order of the photos', () => {
    for (const { photos, groups } of cases) {
      const { sides, leak } = planSplit(photos, { ...options, groups })
      const order = random.shuffle(photos.map((_, index) => index))
      const placeOf = new Map(order.map((index, place) => [index, place]))
      const shuffled = planSplit(
        order.flatMap((index) => photos[index] ?? []),
        {
          ...options,
          groups: random.shuffle(groups.map((group) => group.map((one) => placeOf.get(one) ?? -1))),
        },
      )
      expect(order.map((index) => sides[index])).toEqual(shuffled.sides)
      expect(shuffled.leak).toEqual(leak)
    }
  })

  it('puts labels whose photos stand alone on every side', () => {
    for (const { photos } of cases) {
      const alone = photos.map(({ path, label }) => ({ path, label, sha256: path }))
      const { sides, incompleteLabels } = planSplit(alone, options)
      for (const label of new Set(alone.map((photo) => photo.label))) {
        const counts = countLabel(alone, sides, label)
        const size = SPLITS.reduce((sum, side) => sum + counts[side], 0)
        expect(incompleteLabels.includes(label)).toBe(size < 3)
        expect(SPLITS.filter((side) => counts[side] > 0).length).toBe(Math.min(size, 3))
        expect(Math.abs(counts.train - 0.6 * size)).toBeLessThan(2)
        expect(Math.abs(counts.validation - 0.25 * size)).toBeLessThan(2)
      }
    }
  })
})

describe('planSplit with options that make no sense', () => {
  it.each([
    { seed: 1, validationShare: 1 },
    { seed: 1, validationShare: -0.1 },
    { seed: 1, validationShare: 0.5, testShare: 0.5 },
    { seed: 1, validationShare: Number.NaN },
    { seed: 1.5 },
  ])('refuses %o', (options) => {
    expect(() => planSplit(makePhotos('a', 10), options)).toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})
