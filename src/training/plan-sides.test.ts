import { describe, expect, it } from 'vitest'
import type { DatasetPhoto, Split } from '../datasets/manifest.ts'
import { createRandom } from '../learn/random.ts'
import type { GroupResult } from './fit-task.ts'
import { planSides } from './plan-sides.ts'

function photo(index: number, label: string, rest: Partial<DatasetPhoto> = {}): DatasetPhoto {
  const name = String(index).padStart(4, '0')
  const sha256 = name.padStart(64, '0')
  return { path: `${name}.jpg`, sha256, sizeBytes: 1, width: 9, height: 9, label, ...rest }
}

const ungrouped = (count: number): GroupResult => ({
  pairs: [],
  groups: Int32Array.from({ length: count }, (_, row) => row),
  parted: 0,
})

const pairsOf = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([first, second]) => ({ first, second, cosine: 0.97 }))

const withSplits = (...splits: readonly (Split | undefined)[]) =>
  splits.map((split, row) =>
    photo(row, row % 2 === 0 ? 'apple' : 'pear', split === undefined ? {} : { split }),
  )

describe('a dataset with sides of its own', () => {
  it('is measured with its test side, and never learned from it', () => {
    const photos = withSplits('train', 'test', 'validation', 'train', 'test', undefined)
    const sides = planSides(photos, ungrouped(6), 1)
    expect(sides).toMatchObject({ train: [0, 2, 3, 5], measured: [1, 4], final: [0, 2, 3, 5] })
    expect(sides.choice).toContain('test')
    expect(sides.cautions).toEqual([])
  })

  it('is measured with its validation side where it has no other, and learned from it in the end', () => {
    const photos = withSplits('train', 'validation', 'train', 'validation')
    const sides = planSides(photos, ungrouped(4), 1)
    expect(sides).toMatchObject({ train: [0, 2], measured: [1, 3], final: [0, 1, 2, 3] })
    expect(sides.choice).toContain('validation')
  })

  it('says how many measured photos have a near duplicate among those learned from', () => {
    const photos = withSplits('test', 'test', 'test', 'train', 'train', 'test', 'test')
    // Two test photos hang on the first, which hangs on a training photo; two others look alike among themselves.
    const pairs = pairsOf([0, 1], [0, 2], [0, 3], [5, 6])
    const { cautions } = planSides(photos, { ...ungrouped(7), pairs }, 1)
    expect(cautions).toHaveLength(1)
    expect(cautions[0]).toMatch(/^3 of the measured photos/)
  })

  it('finds nothing wrong with near duplicates on one side', () => {
    const photos = withSplits('test', 'test', 'train', 'train', 'validation')
    const pairs = pairsOf([0, 1], [2, 3], [3, 4])
    expect(planSides(photos, { ...ungrouped(5), pairs }, 1).cautions).toEqual([])
  })
})

describe('a dataset without sides', () => {
  const random = createRandom(3)
  const photos = Array.from({ length: 200 }, (_, row) => photo(row, `label ${row % 5}`))
  const groups = Int32Array.from(photos, () => random.integer(60))
  const sides = planSides(photos, { pairs: [], groups, parted: 0 }, 1)

  it('has each photo on one side, and learns from all in the end', () => {
    const rows = [...photos.keys()]
    expect([...sides.train, ...sides.measured].sort((a, b) => a - b)).toEqual(rows)
    expect(sides.final).toEqual(rows)
  })

  it('parts no look-alikes', () => {
    const learned = new Set(sides.train.map((row) => groups[row]))
    expect(sides.measured.filter((row) => learned.has(groups[row]))).toEqual([])
  })

  it('parts no named group and no two photos of the same bytes', () => {
    const named = photos.map((each, row) => ({
      ...each,
      ...(row % 3 === 0 ? { group: `plant ${row % 7}` } : {}),
      ...(row % 10 === 1 ? { sha256: 'f'.repeat(64) } : {}),
    }))
    const { train } = planSides(named, ungrouped(200), 1)
    const learned = new Set(train)
    for (const [a, one] of named.entries()) {
      for (const [b, other] of named.entries()) {
        const isOne = one.sha256 === other.sha256 || (one.group && one.group === other.group)
        if (isOne) expect(learned.has(a)).toBe(learned.has(b))
      }
    }
  })

  it('measures about a fifth of each label', () => {
    const { measured } = planSides(photos, ungrouped(200), 1)
    for (let label = 0; label < 5; label++) {
      expect(measured.filter((row) => row % 5 === label)).toHaveLength(8)
    }
  })

  it('repeats itself for a seed and differs for another', () => {
    const plan = (seed: number) => planSides(photos, ungrouped(200), seed).measured
    expect(plan(1)).toEqual(plan(1))
    expect(plan(1)).not.toEqual(plan(2))
  })

  it('tells what a split by chance would have done, and what was not measured', () => {
    const more = [...photos, photo(200, 'rare')]
    const { notes } = planSides(more, { ...ungrouped(201), parted: 17 }, 1)
    expect(notes.join('\n')).toMatch(/by chance would have parted 0 of the 40/)
    expect(notes.join('\n')).toMatch(/17 pairs of near duplicates were parted/)
    expect(notes.join('\n')).toMatch(/Not measured, for want of photos: rare\./)
  })

  it('learns from a label with one photo and measures a label with two', () => {
    const few = [photo(0, 'one'), photo(1, 'two'), photo(2, 'two'), photo(3, 'three')]
    const { train, measured } = planSides(few, ungrouped(4), 1)
    expect(train).toContain(0)
    expect(train).toContain(3)
    expect(measured).toHaveLength(1)
    expect(few[measured[0] ?? -1]?.label).toBe('two')
  })

  it('is refused where all photos look alike', () => {
    const grouped = { pairs: [], groups: new Int32Array(10), parted: 0 }
    expect(() => planSides(photos.slice(0, 10), grouped, 1)).toThrow(
      expect.objectContaining({ code: 'dataset_untrainable' }),
    )
  })
})
