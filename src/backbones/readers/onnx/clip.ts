import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'

/** What exporters write for a bound that is not there: the largest float32. */
const UNBOUNDED = 3.4e38
const LARGEST = 3.4028234663852886e38

/** Keeps numbers between two bounds. */
export function clip(reader: NodeReader, x: LayerValue, min: number, max: number): GraphValue {
  const { node, draft } = reader
  const hasMin = min > -UNBOUNDED
  const hasMax = max < UNBOUNDED
  if (!(min < max)) throw node.invalid(`the bounds ${min} and ${max}`)
  if (!hasMin && !hasMax) return x
  const [least, most] = [hasMin ? min : -LARGEST, hasMax ? max : LARGEST]
  const input = x.id
  if (least === 0 && !hasMax) return { ...x, id: draft.add({ op: 'relu', input }, node.place) }
  if (least === 0 && most === 6) return { ...x, id: draft.add({ op: 'relu6', input }, node.place) }
  return { ...x, id: draft.add({ op: 'clip', input, least, most }, node.place) }
}
