import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawLabelled, drawMatrix, unitRows } from '../../test/support/drawn-rows.ts'
import { type Gemm, openGemm } from '../tensor/gemm.ts'
import { FeatureDrift } from './feature-drift.ts'
import { fitRejection, placeOf, projectRows, type RejectionModel } from './rejection.ts'

const WIDTH = 24
const CLASSES = 4
const TRAINING = 600

const { features, labels } = drawLabelled(3, {
  rows: 3 * TRAINING,
  width: WIDTH,
  classes: CLASSES,
  skill: 2,
})
const unit = unitRows(features, WIDTH)
const rowOf = (rows: Float32Array, row: number) => rows.subarray(row * WIDTH, (row + 1) * WIDTH)

let gemm: Gemm
let model: RejectionModel
beforeAll(async () => {
  gemm = await openGemm(1)
  const training = unit.subarray(0, TRAINING * WIDTH)
  const rows = Array.from({ length: TRAINING }, (_, row) => row)
  const projected = await projectRows(gemm, training, WIDTH, rows)
  const fitted =
    projected && (await fitRejection(gemm, projected, labels.subarray(0, TRAINING), CLASSES, rows))
  if (fitted === undefined) throw new Error('nothing was fitted')
  model = fitted
})
afterAll(() => gemm.close())

/** Takes in photos; gives their mean spread and the shift after them. */
function follow(photos: Iterable<Float32Array>, drift = new FeatureDrift(model)) {
  let sum = 0
  let count = 0
  for (const photo of photos) {
    sum += drift.add(placeOf(photo, model).z)
    count++
  }
  return { spread: sum / count, shift: drift.shift, drift }
}

/** Photos that training has not seen. */
function* unseen(wanted: (label: number) => boolean = () => true) {
  for (let row = TRAINING; row < 3 * TRAINING; row++)
    if (wanted(labels[row] ?? 0)) yield rowOf(unit, row)
}
const strange = (count: number) => {
  const rows = unitRows(drawMatrix(9, count, WIDTH), WIDTH)
  return Array.from({ length: count }, (_, row) => rowOf(rows, row))
}

describe('drift of features', () => {
  it('is none before the first photo', () => {
    expect(new FeatureDrift(model).shift).toBe(0)
  })

  it('is none among photos like those of training', () => {
    const { spread, shift } = follow(unseen())
    expect(spread).toBeGreaterThan(0.9)
    expect(spread).toBeLessThan(1.1)
    expect(shift).toBeLessThan(0.01)
  })

  it('does not take chance for drift where photos are few', () => {
    const few = [...unseen()].slice(0, 20)
    expect(follow(few).shift).toBeLessThan(0.05)
  })

  it('shows where all photos are of one label, though each lies where training photos do', () => {
    const { spread, shift } = follow(unseen((label) => label === 0))
    expect(spread).toBeLessThan(1.3)
    expect(shift).toBeGreaterThan(0.1)
  })

  it('shows where photos are of nothing that was trained', () => {
    const ordinary = follow(unseen())
    const other = follow(strange(400))
    expect(other.spread).not.toBeCloseTo(ordinary.spread, 1)
    expect(other.shift).toBeGreaterThan(5 * ordinary.shift)
  })

  it('goes away once photos are as before', () => {
    const { drift, shift } = follow(unseen((label) => label === 0))
    for (let pass = 0; pass < 3; pass++) follow(unseen(), drift)
    expect(drift.shift).toBeLessThan(shift / 20)
  })
})
