import { expect, it } from 'vitest'
import { drawLabelled } from '../../test/support/drawn-rows.ts'
import { centroidHead } from './centroid-head.ts'

const CLASSES = 3
const rows = drawLabelled(3, { rows: 20, width: 4, classes: CLASSES, skill: 1 })

/** Differences of logits between classes, which are all that a softmax sees. */
function logitsOf(head: ReturnType<typeof centroidHead>, row: number): number[] {
  return Array.from(head.bias, (bias, c) => {
    let logit = bias
    for (let i = 0; i < rows.width; i++) {
      logit += rows.features[row * rows.width + i]! * head.weights[i * head.bias.length + c]!
    }
    return logit
  })
}

it('gives −10 ‖x − mean‖² up to what all classes share, with weighted means', () => {
  const weights = Float32Array.from(rows.labels, (_, row) => row % 4)
  const head = centroidHead(rows, weights)
  const means = Array.from({ length: CLASSES }, (_, c) => {
    const own = [...rows.labels.keys()].filter((row) => rows.labels[row] === c)
    const total = own.reduce((sum, row) => sum + weights[row]!, 0)
    return Array.from(
      { length: rows.width },
      (_, i) =>
        own.reduce((sum, row) => sum + weights[row]! * rows.features[row * rows.width + i]!, 0) /
        total,
    )
  })
  for (const row of rows.labels.keys()) {
    const distances = means.map((mean) =>
      mean.reduce((sum, m, i) => sum + (rows.features[row * rows.width + i]! - m) ** 2, 0),
    )
    const logits = logitsOf(head, row)
    for (let c = 1; c < CLASSES; c++) {
      expect(logits[c]! - logits[0]!).toBeCloseTo(10 * (distances[0]! - distances[c]!), 3)
    }
  }
})

it('never answers a class without weight', () => {
  const weights = Float32Array.from(rows.labels, (label) => (label === 1 ? 0 : 1))
  const head = centroidHead({ ...rows, classes: 4 }, weights)
  for (const row of rows.labels.keys()) {
    const [a, b, c, d] = logitsOf(head, row)
    expect(Math.max(b!, d!)).toBeLessThan(Math.min(a!, c!) - 1000)
  }
})
