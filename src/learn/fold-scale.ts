/** Moves the linear part of a scaling into a head and out of it again. */
import type { LinearScale } from './scaling.ts'
import type { LinearHead } from './softmax-regression.ts'

/** `((x − centre) / spread) · W + b` as `x · W′ + b′`. */
export function foldScale(
  { weights, bias }: LinearHead,
  { centre, spread }: LinearScale,
  classes: number,
): LinearHead {
  const folded = new Float64Array(weights.length)
  const shifted = Float64Array.from(bias)
  for (let i = 0; i < centre.length; i++) {
    for (let c = 0; c < classes; c++) {
      const weight = weights[i * classes + c]! / spread[i]!
      folded[i * classes + c] = weight
      shifted[c]! -= centre[i]! * weight
    }
  }
  return { weights: Float32Array.from(folded), bias: Float32Array.from(shifted) }
}

/** The other way round: `x · W + b` as `((x − centre) / spread) · W′ + b′`. */
export function unfoldScale(
  { weights, bias }: LinearHead,
  { centre, spread }: LinearScale,
  classes: number,
): LinearHead {
  const unfolded = new Float32Array(weights.length)
  const shifted = Float64Array.from(bias)
  for (let i = 0; i < centre.length; i++) {
    for (let c = 0; c < classes; c++) {
      const weight = weights[i * classes + c]!
      unfolded[i * classes + c] = weight * spread[i]!
      shifted[c]! += centre[i]! * weight
    }
  }
  return { weights: unfolded, bias: Float32Array.from(shifted) }
}

/** The mean of several heads. */
export function meanHead(heads: readonly LinearHead[]): LinearHead {
  const mean = (pick: (head: LinearHead) => Float32Array) => {
    const sum = new Float64Array(pick(heads[0]!).length)
    for (const head of heads) for (const [i, value] of pick(head).entries()) sum[i]! += value
    return Float32Array.from(sum, (value) => value / heads.length)
  }
  return { weights: mean(({ weights }) => weights), bias: mean(({ bias }) => bias) }
}
