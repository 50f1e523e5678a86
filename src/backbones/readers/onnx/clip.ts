import { addConstant, multiplyConstant } from './arithmetic.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'

/** What exporters write for a bound that is not there: the largest float32. */
const UNBOUNDED = 3.4e38

/** Keeps numbers between two bounds. Bounds that no activation has are those of `relu6` or `relu`, moved and scaled. */
export function clip(reader: NodeReader, x: LayerValue, min: number, max: number): GraphValue {
  const { node, draft } = reader
  const hasMin = min > -UNBOUNDED
  const hasMax = max < UNBOUNDED
  const apply = (op: 'relu' | 'relu6', value: GraphValue): LayerValue => {
    const { id, channelsLast } = value as LayerValue
    return { kind: 'layer', id: draft.add({ op, input: id }, node.place), channelsLast }
  }
  const moved = (value: GraphValue, by: number): GraphValue =>
    by === 0 ? value : addConstant(reader, value, [by])
  const scaled = (value: GraphValue, by: number): GraphValue =>
    by === 1 ? value : multiplyConstant(reader, value, [by])

  if (!(min < max)) throw node.invalid(`the bounds ${min} and ${max}`)
  if (hasMin && hasMax) {
    const factor = 6 / (max - min)
    const held = apply('relu6', scaled(moved(x, -min), factor))
    return moved(scaled(held, 1 / factor), min)
  }
  if (hasMin) return moved(apply('relu', moved(x, -min)), min)
  if (!hasMax) return x
  return moved(scaled(apply('relu', moved(scaled(x, -1), max)), -1), max)
}
