/** What a linear head says of one row. */
import type { LinearHead } from './softmax-regression.ts'

/** Logits `[classes]` of transformed features `[width]`. */
export function answerRow(features: Float32Array, { weights, bias }: LinearHead): Float64Array {
  const logits = Float64Array.from(bias)
  const classes = logits.length
  for (const [i, value] of features.entries()) {
    if (value === 0) continue
    for (let c = 0; c < classes; c++) logits[c]! += value * weights[i * classes + c]!
  }
  return logits
}
