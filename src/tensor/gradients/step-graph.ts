/** A graph under construction with the constants and reshapes that every rule of a gradient writes. */
import type { Attribute, GraphBuilder, Value } from '../graph-builder.ts'

export interface StepGraph extends Pick<GraphBuilder, 'node' | 'nodeOutputs' | 'input' | 'output'> {
  readonly graph: GraphBuilder
  /** Whole numbers as a constant `[n]`, one for all that ask for the same. */
  ints(values: readonly number[]): Value
  /** A number as a constant `[]`. */
  scalar(value: number): Value
  /** A constant of ones. */
  ones(dims: readonly number[]): Value
  reshape(value: Value, dims: readonly number[]): Value
  /** A sum over `axes`, which go. */
  sum(value: Value, axes: readonly number[]): Value
  multiply(left: Value, right: Value): Value
  add(left: Value, right: Value): Value
  transpose(value: Value, perm: readonly number[]): Value
  /** Positions `from` to before `to` of one axis, every `step`-th; backwards over all of it where `step` is −1. */
  slice(value: Value, cut: Cut): Value
  /** Zeros before and behind each axis. */
  pad(value: Value, before: readonly number[], behind: readonly number[]): Value
}

export interface Cut {
  readonly axis: number
  readonly from: number
  readonly to: number
  readonly step?: number
}

/** Before the first position, for a slice that runs backwards. */
const BEFORE_ALL = -(2 ** 31)

export function createStepGraph(graph: GraphBuilder): StepGraph {
  const { node, nodeOutputs, input, output } = graph
  const ints = (values: readonly number[]) =>
    graph.constant(`ints_${values.join('_')}`, BigInt64Array.from(values, BigInt), [values.length])
  const attributes = (values: Record<string, Attribute>) => values
  return {
    graph,
    node,
    nodeOutputs,
    input,
    output,
    ints,
    scalar: (value) => graph.constant(`number_${value}`, Float32Array.of(value), []),
    ones: (dims) =>
      graph.constant(
        `ones_${dims.join('_')}`,
        new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(1),
        dims,
      ),
    reshape: (value, dims) => node('Reshape', [value, ints(dims)]),
    sum: (value, axes) => node('ReduceSum', [value, ints(axes)], attributes({ keepdims: 0 })),
    multiply: (left, right) => node('Mul', [left, right]),
    add: (left, right) => node('Add', [left, right]),
    transpose: (value, perm) => node('Transpose', [value], { perm }),
    slice(value, { axis, from, to, step = 1 }) {
      const [first, end] = step < 0 ? [-1, BEFORE_ALL] : [from, to]
      return node('Slice', [value, ints([first]), ints([end]), ints([axis]), ints([step])])
    },
    pad(value, before, behind) {
      if ([...before, ...behind].every((count) => count === 0)) return value
      return node('Pad', [value, ints([...before, ...behind])])
    },
  }
}
