/** What operators of all kinds need: values of layers, maps, and pairs of numbers. */
import type { Layer, LayerId } from '../../../tensor/network.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'

export type Read = (reader: NodeReader) => GraphValue

export const layerValue = (id: LayerId, channelsLast = false): LayerValue => ({
  kind: 'layer',
  id,
  channelsLast,
})

/** Adds a layer that works element by element or on channels wherever they lie. */
export const addLike = (reader: NodeReader, like: LayerValue, layer: Layer): LayerValue =>
  layerValue(reader.draft.add(layer, reader.node.place), like.channelsLast)

/** The input as a map whose channels come first. */
export function requireMap(reader: NodeReader): LayerId {
  const { id, channelsLast } = reader.layer(0)
  if (channelsLast || reader.shapeOf(id).height === undefined) {
    throw reader.node.unsupported('an input that is no map [n, channels, height, width]')
  }
  return id
}

export function pair({ node }: NodeReader, attribute: string): [number, number] {
  const values = node.integers(attribute) ?? [1, 1]
  const [down, across] = values
  const fits =
    values.length === 2 && values.every((value) => Number.isSafeInteger(value) && value > 0)
  if (!fits) throw node.invalid(`${attribute} [${values.join(', ')}]`)
  return [down!, across!]
}

export const squared = ([down, across]: [number, number]): number | [number, number] =>
  down === across ? down : [down, across]
