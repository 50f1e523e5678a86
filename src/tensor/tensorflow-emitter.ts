/** What the emitters of TensorFlow nodes share: the values so far, weights by name, padding. */
import type { LayerId, Padding } from './network.ts'
import type { Shape } from './network-shapes.ts'
import type { FloatTensor } from './tensor.ts'
import { type Attributes, attr, type TensorflowGraph, type Value } from './tensorflow-graph.ts'

export interface Emitter {
  readonly graph: TensorflowGraph
  value(id: LayerId): Value
  shape(id: LayerId): Shape
  weight(name: string, dims: readonly number[]): FloatTensor
}

/** The element type of all that flows through a network. */
export const T: Attributes = { T: attr.type('float') }

export const INT_AXES: Attributes = { Tidx: attr.type('int32') }

/** Adds a weight whose order is the same in both worlds. */
export function vectorOrMatrix(
  { graph, weight }: Emitter,
  name: string,
  dims: readonly number[],
): Value {
  const { data } = weight(name, dims)
  return graph.tensor(name, dims, () => data)
}

export function addBias(emitter: Emitter, value: Value, name: string, width: number): Value {
  const bias = vectorOrMatrix(emitter, `${name}/bias`, [width])
  return emitter.graph.node('BiasAdd', [value, bias], T, name)
}

/** The input of a window that slides, and the padding that is left for TensorFlow to do. */
export function paddedInput(
  { graph, value }: Emitter,
  input: LayerId,
  padding: Padding,
  fill: number,
): { readonly value: Value; readonly padding: 'SAME' | 'VALID' } {
  const from = value(input)
  if (padding === 'same') return { value: from, padding: 'SAME' }
  if (padding === 'valid' || padding.every((side) => side === 0)) {
    return { value: from, padding: 'VALID' }
  }
  return { value: emitPadding(graph, from, padding, fill), padding: 'VALID' }
}

export function emitPadding(
  graph: TensorflowGraph,
  from: Value,
  [top, left, bottom, right]: readonly [number, number, number, number],
  fill: number,
): Value {
  const sides = graph.numbers('int32', [0, 0, top, bottom, left, right, 0, 0], [4, 2])
  return graph.node('PadV2', [from, sides, graph.numbers('float', [fill])], {
    ...T,
    Tpaddings: attr.type('int32'),
  })
}

export const mapSize = ({ height = 1, width = 1 }: Shape) => ({ height, width })
