/** Operators whose inputs are all constants: shapes that are put together, batch norms in parts, weights in slices. */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { normalAxis } from './axes.ts'
import type { Budget, Constant } from './constant.ts'
import type { Call } from './evaluate.ts'
import { broadcast, empty, type Fold, map, take } from './fold.ts'
import { ARRAY_OPERATORS } from './fold-arrays.ts'
import { attribute } from './graph.ts'
import { dot, eachIndex, stridesOf } from './row-major.ts'

/** Gives the outputs of an operator for constants, or nothing where it is none of those that are folded. */
export function foldConstants(
  call: Call,
  inputs: readonly Constant[],
  budget: Budget,
): Constant[] | undefined {
  const { op } = call.node
  const fold = { call, inputs, budget }
  const binary = Object.hasOwn(BINARY, op) ? BINARY[op] : undefined
  if (binary !== undefined) return [broadcast(fold, binary)]
  const comparison = Object.hasOwn(COMPARISONS, op) ? COMPARISONS[op] : undefined
  if (comparison !== undefined) {
    const compare = (a: number, b: number) =>
      Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Number(comparison(a, b))
    return [{ ...broadcast(fold, compare), type: DATA_TYPES.bool }]
  }
  const unary = Object.hasOwn(UNARY, op) ? UNARY[op] : undefined
  if (unary !== undefined) return [map(fold, unary)]
  const reducer = Object.hasOwn(REDUCERS, op) ? REDUCERS[op] : undefined
  if (reducer !== undefined) return [reduce(fold, reducer)]
  const other = Object.hasOwn(ARRAY_OPERATORS, op) ? ARRAY_OPERATORS[op] : undefined
  return other === undefined ? undefined : [other(fold)].flat()
}

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  AddV2: (a, b) => a + b,
  BiasAdd: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  RealDiv: (a, b) => a / b,
  FloorDiv: (a, b) => Math.floor(a / b),
  FloorMod: (a, b) => a - b * Math.floor(a / b),
  Maximum: (a, b) => Math.max(a, b),
  Minimum: (a, b) => Math.min(a, b),
  Pow: (a, b) => a ** b,
  SquaredDifference: (a, b) => (a - b) ** 2,
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  Equal: (a, b) => a === b,
  NotEqual: (a, b) => a !== b,
  Less: (a, b) => a < b,
  LessEqual: (a, b) => a <= b,
  Greater: (a, b) => a > b,
  GreaterEqual: (a, b) => a >= b,
  LogicalAnd: (a, b) => a !== 0 && b !== 0,
  LogicalOr: (a, b) => a !== 0 || b !== 0,
}

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  Abs: Math.abs,
  Ceil: Math.ceil,
  Exp: Math.exp,
  Floor: Math.floor,
  Inv: (x) => 1 / x,
  Log: Math.log,
  LogicalNot: (x) => (Number.isNaN(x) ? x : Number(x === 0)),
  Neg: (x) => -x,
  OnesLike: () => 1,
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Rint: roundHalfEven,
  Round: roundHalfEven,
  Rsqrt: (x) => 1 / Math.sqrt(x),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Softplus: (x) => Math.log1p(Math.exp(x)),
  Sqrt: Math.sqrt,
  Square: (x) => x * x,
  Tanh: Math.tanh,
  ZerosLike: () => 0,
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(x)
}

const REDUCERS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  All: (values) => values.reduce((a, b) => Math.min(a, b), 1),
  Any: (values) => values.reduce((a, b) => Math.max(a, b), 0),
  Max: (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  Mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  Min: (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  Prod: (values) => values.reduce((a, b) => a * b, 1),
  Sum: (values) => values.reduce((a, b) => a + b, 0),
}

function reduce(fold: Fold, combine: (values: readonly number[]) => number): Constant {
  const { call } = fold
  const [tensor, axes] = take(fold.inputs, 2, call)
  const gone = new Set([...axes.data].map((axis) => normalAxis(axis, tensor.dims.length, call)))
  const keep = attribute(call.node, 'keep_dims', 'b') ?? false
  const groups = new Map<number, number[]>()
  const full = tensor.dims.map((size, axis) => (gone.has(axis) ? 1 : size))
  const steps = stridesOf(full).map((stride, axis) => (gone.has(axis) ? 0 : stride))
  fold.budget.take(tensor.data.length, call.place)
  eachIndex(tensor.dims, (index, at) => {
    const group = dot(index, steps)
    const values = groups.get(group)
    if (values === undefined) groups.set(group, [tensor.data[at]!])
    else values.push(tensor.data[at]!)
  })
  const data = empty(tensor, full, fold)
  for (const at of data.keys()) data[at] = combine(groups.get(at) ?? [])
  return { ...tensor, dims: keep ? full : tensor.dims.filter((_, axis) => !gone.has(axis)), data }
}
