/** Logits `[k]` → probabilities `[k]` that add up to 1, computed in double precision with the largest logit as origin. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const probabilities = Float64Array.from(logits)
  let largest = Number.NEGATIVE_INFINITY
  for (const logit of probabilities) if (logit > largest) largest = logit
  let sum = 0
  for (let i = 0; i < probabilities.length; i++) {
    probabilities[i] = Math.exp(probabilities[i]! - largest)
    sum += probabilities[i]!
  }
  for (let i = 0; i < probabilities.length; i++) probabilities[i]! /= sum
  return probabilities
}

/** Index of the largest value, the first of equal ones. */
export function bestIndex(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Beyond so many, sorting all is quicker than keeping the best. */
const FEW = 32

/** Indices of the `count` largest values, largest first; equal values in the order of their index. */
export function topIndices(values: ArrayLike<number>, count: number): number[] {
  if (count > FEW) {
    const indices = Array.from({ length: values.length }, (_, index) => index)
    return indices.sort((a, b) => values[b]! - values[a]! || a - b).slice(0, count)
  }
  const best: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && !(values[i]! > values[best[count - 1]!]!)) continue
    let place = best.length
    while (place > 0 && values[best[place - 1]!]! < values[i]!) place--
    best.splice(place, 0, i)
    if (best.length > count) best.pop()
  }
  return best
}
