import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawLabelled, drawMatrix, unitRows } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import { auroc } from './auroc.ts'
import golden from './golden-learn.json' with { type: 'json' }
import { createRandom } from './random.ts'
import {
  fitRejection,
  MAX_REJECTION_DIMENSIONS,
  placeOf,
  projectRows,
  type RejectionModel,
  rejectionDistances,
} from './rejection.ts'

let gemm: Gemm
beforeAll(async () => {
  gemm = await openGemm(1)
})
afterAll(() => gemm.close())

interface Photos {
  readonly unit: Float32Array
  readonly width: number
  readonly labels: Int32Array
  readonly classes: number
}

const all = ({ labels }: Photos) => [...labels.keys()]

/** Fits on `rows` in the directions of `basisRows`. */
async function tryFit(photos: Photos, rows = all(photos), basisRows = rows) {
  const { unit, width, labels, classes } = photos
  const projected = await projectRows(gemm, unit, width, basisRows)
  return projected && (await fitRejection(gemm, projected, labels, classes, rows))
}

async function fitPhotos(...given: Parameters<typeof tryFit>): Promise<RejectionModel> {
  const model = await tryFit(...given)
  if (model === undefined) throw new Error('nothing was fitted')
  return model
}

function drawPhotos(seed: number, shape: Parameters<typeof drawLabelled>[1]): Photos {
  const { features, ...rest } = drawLabelled(seed, shape)
  return { ...rest, unit: unitRows(features, shape.width) }
}

/** Random directions, near nothing. */
const drawStrange = (seed: number, count: number, width: number) =>
  unitRows(drawMatrix(createRandom(seed), count, width), width)

const areFinite = (values: Iterable<number>) => [...values].every(Number.isFinite)

describe.each(golden.rejection)('with NumPy on $name', (given) => {
  const { rows, width, classes } = given
  const random = createRandom(2)
  const { features, labels } = drawLabelled(random, { rows, width, classes, skill: 3 })
  const unit = unitRows(features, width)
  const strange = unitRows(drawMatrix(random, 10, width), width)

  it('agrees in the distances', async () => {
    const model = await fitPhotos({ unit, width, labels, classes })
    expect(model.dimensions).toBe(given.dimensions)
    const asked = [
      [unit.subarray(0, given.known.length * width), given.known],
      [strange, given.strange],
    ] as const
    for (const [photos, theirs] of asked) {
      const found = await rejectionDistances(gemm, model, photos)
      const size = Math.max(...theirs.map(Math.abs))
      for (const [row, distance] of theirs.entries()) {
        expect(Math.abs((found[row] ?? NaN) - distance)).toBeLessThan(1e-3 * Math.max(1, size))
      }
    }
  })
})

describe('a rejection model', () => {
  const photos = drawPhotos(5, { rows: 90, width: 24, classes: 3, skill: 4 })

  it('gives many photos the distances that it gives each alone', async () => {
    const model = await fitPhotos(photos)
    const together = await rejectionDistances(gemm, model, photos.unit)
    for (const [row, distance] of together.entries()) {
      const { distance: alone } = placeOf(photos.unit.subarray(row * 24, (row + 1) * 24), model)
      expect(Math.abs(alone - distance)).toBeLessThan(1e-4 * Math.max(1, Math.abs(distance)))
    }
  })

  it('tells photos of no label from others of the labels', async () => {
    const seen = [...photos.labels.keys()].filter((row) => row < 60)
    const model = await fitPhotos(photos, seen)
    const known = await rejectionDistances(gemm, model, photos.unit.subarray(60 * 24))
    const strange = await rejectionDistances(gemm, model, drawStrange(6, 50, 24))
    expect(auroc(known, strange)).toBeGreaterThan(0.95)
  })

  it('learns from the rows that it is given alone', async () => {
    const rows = [...photos.labels.keys()].filter((row) => row % 2 === 0)
    const spoilt = photos.unit.slice()
    for (const row of photos.labels.keys()) {
      if (row % 2 === 1) spoilt.fill(0.2, row * 24, (row + 1) * 24)
    }
    expect(await fitPhotos({ ...photos, unit: spoilt }, rows)).toEqual(
      await fitPhotos(photos, rows),
    )
  })

  it('serves some rows in the directions of all', async () => {
    const half = all(photos).filter((row) => row % 2 === 0)
    const model = await fitPhotos(photos, half, all(photos))
    const known = await rejectionDistances(gemm, model, photos.unit)
    const strange = await rejectionDistances(gemm, model, drawStrange(6, 50, photos.width))
    expect(auroc(known, strange)).toBeGreaterThan(0.95)
    expect(await tryFit(photos, half.slice(0, 2), all(photos))).toBeUndefined()
  })

  it('keeps to at most its number of dimensions, and tells apart by them', async () => {
    const wide = drawPhotos(7, { rows: 300, width: 200, classes: 4, skill: 4 })
    const model = await fitPhotos(wide)
    expect(model.dimensions).toBe(MAX_REJECTION_DIMENSIONS)
    const known = await rejectionDistances(gemm, model, wide.unit)
    const strange = await rejectionDistances(gemm, model, drawStrange(8, 50, 200))
    expect(auroc(known, strange)).toBeGreaterThan(0.95)
  })

  it('is not deceived by near copies, which hardly vary in some directions', async () => {
    const width = 60
    const first = drawPhotos(9, { rows: 20, width, classes: 4, skill: 4 })
    const noise = drawMatrix(createRandom(10), 20, width)
    const copies = unitRows(
      first.unit.map((value, index) => value + 2e-3 * noise[index]!),
      width,
    )
    const model = await fitPhotos({
      ...first,
      unit: Float32Array.from([...first.unit, ...copies]),
      labels: Int32Array.from([...first.labels, ...first.labels]),
    })
    expect(Math.min(...model.background)).toBeGreaterThanOrEqual(1)
    // The same centres, other photos.
    const later = drawPhotos(9, { rows: 80, width, classes: 4, skill: 4 })
    const known = await rejectionDistances(gemm, model, later.unit.subarray(20 * width))
    const strange = await rejectionDistances(gemm, model, drawStrange(11, 60, width))
    expect(auroc(known, strange)).toBeGreaterThan(0.95)
  })

  it('never takes a label without photos for the nearest', async () => {
    const model = await fitPhotos({ ...photos, classes: 5 })
    const with3 = await rejectionDistances(gemm, await fitPhotos(photos), photos.unit)
    const with5 = await rejectionDistances(gemm, model, photos.unit)
    for (const [row, distance] of with3.entries()) expect(with5[row]).toBeCloseTo(distance, 3)
  })
})

describe('photos from which little can be learned', () => {
  const width = 16

  it.each([
    ['no photo', 0],
    ['one', 1],
    ['two', 2],
  ])('give nothing: %s', async (_words, rows) => {
    const photos = drawPhotos(1, { rows, width, classes: 2, skill: 1 })
    expect(await tryFit(photos)).toBeUndefined()
  })

  it.each([
    ['three photos', { rows: 3, classes: 2 }],
    ['one photo of each label', { rows: 8, classes: 8 }],
    ['a label with one photo', { rows: 21, classes: 20 }],
  ])('give finite distances, strange photos farther: %s', async (_words, shape) => {
    const photos = drawPhotos(3, { ...shape, width, skill: 4 })
    const model = await fitPhotos(photos)
    const known = await rejectionDistances(gemm, model, photos.unit)
    const strange = await rejectionDistances(gemm, model, drawStrange(4, 40, width))
    expect(areFinite([...known, ...strange])).toBe(true)
    expect(auroc(known, strange)).toBeGreaterThan(0.9)
  })

  it('give all the same distance where there is one label: relative to it nothing is strange', async () => {
    const photos = drawPhotos(3, { rows: 20, classes: 1, width, skill: 4 })
    const strange = drawStrange(4, 40, width)
    for (const distance of await rejectionDistances(gemm, await fitPhotos(photos), strange)) {
      expect(Math.abs(distance)).toBeLessThan(0.1)
    }
  })

  it('give finite distances where they span few directions', async () => {
    const base = drawMatrix(createRandom(1), 3, width)
    const mix = drawMatrix(createRandom(2), 30, 3)
    const rows = new Float32Array(30 * width)
    for (let row = 0; row < 30; row++) {
      for (let i = 0; i < width; i++) {
        for (let k = 0; k < 3; k++)
          rows[row * width + i]! += mix[row * 3 + k]! * base[k * width + i]!
      }
    }
    const labels = Int32Array.from({ length: 30 }, (_, row) => row % 2)
    const model = await fitPhotos({ unit: unitRows(rows, width), width, labels, classes: 2 })
    const distances = await rejectionDistances(gemm, model, drawStrange(5, 20, width))
    expect(areFinite([...distances, ...model.projection])).toBe(true)
    expect(Math.max(...distances.map(Math.abs))).toBeLessThan(1e6)
  })

  it.each([
    ['photos that are all the same', 1],
    ['photos of nothing', 0],
  ])('give nothing, or finite distances: %s', async (_words, length) => {
    const unit = new Float32Array(12 * width).fill(length / Math.sqrt(width))
    const labels = Int32Array.from({ length: 12 }, (_, row) => row % 2)
    const model = await tryFit({ unit, width, labels, classes: 2 })
    if (model === undefined) return
    const distances = await rejectionDistances(gemm, model, drawStrange(5, 20, width))
    expect(areFinite([...distances, ...model.projection])).toBe(true)
    // The projection is stored in half precision.
    expect(Math.max(...model.projection.map(Math.abs))).toBeLessThan(65_504)
  })
})
