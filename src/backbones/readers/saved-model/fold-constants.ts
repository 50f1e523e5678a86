/** Operators whose inputs are all constants: shapes that are put together, batch norms in parts, weights in slices. */

import { elementCount } from '../../../tensor/tensor.ts'
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type Budget, type Constant, isFloat, wholeNumbers } from './constant.ts'
import type { Call } from './evaluate.ts'
import { attribute, listAttribute } from './graph.ts'

/** What a folding operator is given. */
interface Fold {
  readonly call: Call
  readonly inputs: readonly Constant[]
  readonly budget: Budget
}

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
  const other = Object.hasOwn(OTHERS, op) ? OTHERS[op] : undefined
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

const OTHERS: Readonly<Record<string, (fold: Fold) => Constant | Constant[]>> = {
  BroadcastTo: ({ inputs, ...fold }) => {
    const [tensor, shape] = take(inputs, 2, fold.call)
    const dims = countsOf(shape, fold.call)
    const zeros = { ...tensor, dims, data: empty(tensor, dims, fold) }
    return { ...broadcast({ ...fold, inputs: [tensor, zeros] }, (x) => x), type: tensor.type }
  },
  Cast: ({ inputs, call }) => {
    const [tensor] = take(inputs, 1, call)
    const type = attribute(call.node, 'DstT', 'type') ?? tensor.type
    if (isFloat(type) === isFloat(tensor.type)) return { ...tensor, type }
    const isWhole = type !== DATA_TYPES.double && !isFloat(type)
    const data = isFloat(type)
      ? Float32Array.from(tensor.data)
      : Float64Array.from(tensor.data, (x) => (isWhole ? Math.trunc(x) : x))
    return { ...tensor, type, data }
  },
  Concat: ({ inputs, ...fold }) => concat({ ...fold, inputs: inputs.slice(1) }, inputs[0]),
  ConcatV2: ({ inputs, ...fold }) =>
    concat({ ...fold, inputs: inputs.slice(0, -1) }, inputs.at(-1)),
  ExpandDims: ({ inputs, call }) => {
    const [tensor, axis] = take(inputs, 2, call)
    return { ...tensor, dims: expandDims(tensor.dims, axis.data[0] ?? 0, 1, call) }
  },
  Fill: (fold) => {
    const [shape, value] = take(fold.inputs, 2, fold.call)
    const dims = countsOf(shape, fold.call)
    return { ...value, dims, data: empty(value, dims, fold).fill(value.data[0] ?? 0) }
  },
  GatherV2: (fold) => {
    const [tensor, indices, axis] = take(fold.inputs, 3, fold.call)
    return gather(fold, tensor, indices, axis.data[0] ?? 0)
  },
  Pack: (fold) => {
    const axis = Number(attribute(fold.call.node, 'axis', 'i') ?? 0)
    const parts = fold.inputs.map((part) => ({
      ...part,
      dims: expandDims(part.dims, axis, 1, fold.call),
    }))
    const place = axis < 0 ? axis + (parts[0]?.dims.length ?? 0) : axis
    return concat({ ...fold, inputs: parts }, wholeNumbers([place], []))
  },
  Range: (fold) => {
    const [start, limit, delta] = take(fold.inputs, 3, fold.call).map(({ data }) => data[0] ?? 0)
    const count = Math.max(Math.ceil((limit! - start!) / delta!), 0)
    // As many as there are photos.
    if (Number.isNaN(count)) return wholeNumbers([Number.NaN])
    if (!Number.isSafeInteger(count)) throw badValue(fold.call)
    fold.budget.take(count, fold.call.place)
    return wholeNumbers(Array.from({ length: count }, (_, at) => start! + at * delta!))
  },
  Rank: ({ inputs, call }) => wholeNumbers([take(inputs, 1, call)[0].dims.length], []),
  Reshape: ({ inputs, call }) => {
    const [tensor, shape] = take(inputs, 2, call)
    const wanted = [...shape.data]
    const known = wanted.filter((size) => size >= 0).reduce((a, b) => a * b, 1)
    const dims = wanted.map((size) => (size === -1 ? tensor.data.length / known : size))
    if (elementCount(dims) !== tensor.data.length || !dims.every(Number.isSafeInteger)) {
      throw badValue(call)
    }
    return { ...tensor, dims }
  },
  Select: select,
  SelectV2: select,
  Shape: ({ inputs, call }) => wholeNumbers(take(inputs, 1, call)[0].dims),
  Size: ({ inputs, call }) => wholeNumbers([take(inputs, 1, call)[0].data.length], []),
  Slice: (fold) => {
    const [tensor, begin, size] = take(fold.inputs, 3, fold.call)
    const starts = [...begin.data]
    const sizes = [...size.data].map((count, axis) =>
      count === -1 ? (tensor.dims[axis] ?? 0) - starts[axis]! : count,
    )
    return cut(
      fold,
      tensor,
      starts,
      sizes,
      starts.map(() => 1),
    )
  },
  Split: (fold) => {
    const [axis, tensor] = take(fold.inputs, 2, fold.call)
    const count = Number(attribute(fold.call.node, 'num_split', 'i') ?? 1)
    const place = normalAxis(axis.data[0] ?? 0, tensor.dims.length, fold.call)
    const size = tensor.dims[place]! / count
    if (!Number.isSafeInteger(size) || count > 4096) throw badValue(fold.call)
    return Array.from({ length: count }, (_, at) => {
      const starts = tensor.dims.map((_size, axis) => (axis === place ? at * size : 0))
      const sizes = tensor.dims.map((whole, axis) => (axis === place ? size : whole))
      return cut(
        fold,
        tensor,
        starts,
        sizes,
        sizes.map(() => 1),
      )
    })
  },
  Squeeze: ({ inputs, call }) => {
    const [tensor] = take(inputs, 1, call)
    const named = listAttribute(call.node, 'squeeze_dims').map((axis) =>
      axis < 0 ? axis + tensor.dims.length : axis,
    )
    const goes = (size: number, axis: number) =>
      named.length === 0 ? size === 1 : named.includes(axis)
    const dims = tensor.dims.filter((size, axis) => !goes(size, axis))
    if (elementCount(dims) !== tensor.data.length) throw badValue(call)
    return { ...tensor, dims }
  },
  StridedSlice: stridedSlice,
  Tile: (fold) => {
    const [tensor, counts] = take(fold.inputs, 2, fold.call)
    if (elementCount([...counts.data]) === 1) return tensor
    const dims = tensor.dims.map((size, axis) => size * (counts.data[axis] ?? 1))
    // As often as there are photos: a row for each of them.
    if (dims.some(Number.isNaN)) throw badValue(fold.call)
    const data = empty(tensor, dims, fold)
    const strides = stridesOf(tensor.dims)
    eachIndex(dims, (index, at) => {
      data[at] =
        tensor.data[
          dot(
            index.map((x, axis) => x % tensor.dims[axis]!),
            strides,
          )
        ]!
    })
    return { ...tensor, dims, data }
  },
  Transpose: (fold) => {
    const [tensor, order] = take(fold.inputs, 2, fold.call)
    const axes = [...order.data]
    if (axes.length !== tensor.dims.length || [...axes].sort().some((axis, at) => axis !== at)) {
      throw badValue(fold.call)
    }
    const dims = axes.map((axis) => tensor.dims[axis]!)
    const strides = stridesOf(tensor.dims)
    const steps = axes.map((axis) => strides[axis]!)
    const data = empty(tensor, dims, fold)
    eachIndex(dims, (index, at) => {
      data[at] = tensor.data[dot(index, steps)]!
    })
    return { ...tensor, dims, data }
  },
  Unpack: (fold) => {
    const [tensor] = take(fold.inputs, 1, fold.call)
    const axis = Number(attribute(fold.call.node, 'axis', 'i') ?? 0)
    const place = normalAxis(axis, tensor.dims.length, fold.call)
    if (tensor.dims[place]! > 4096) throw badValue(fold.call)
    return Array.from({ length: tensor.dims[place]! }, (_, at) => {
      const starts = tensor.dims.map((_size, axis) => (axis === place ? at : 0))
      const sizes = tensor.dims.map((whole, axis) => (axis === place ? 1 : whole))
      const part = cut(
        fold,
        tensor,
        starts,
        sizes,
        sizes.map(() => 1),
      )
      return { ...part, dims: part.dims.filter((_size, axis) => axis !== place) }
    })
  },
}

function select(fold: Fold): Constant {
  const [condition, yes, no] = take(fold.inputs, 3, fold.call)
  const chosen = condition.data[0]
  if (condition.data.length !== 1 || chosen === undefined) throw badValue(fold.call)
  if (!Number.isNaN(chosen)) return chosen === 0 ? no : yes
  return map({ ...fold, inputs: [yes] }, () => Number.NaN)
}

function stridedSlice(fold: Fold): Constant {
  const { call } = fold
  const [tensor, begin, end, step] = take(fold.inputs, 4, call)
  const mask = (name: string) => Number(attribute(call.node, name, 'i') ?? 0)
  if (mask('ellipsis_mask') !== 0 || mask('new_axis_mask') !== 0) throw badValue(call)
  const has = (name: string, axis: number) => (mask(name) & (1 << axis)) !== 0
  const steps = tensor.dims.map((_size, axis) => step.data[axis] ?? 1)
  if (!steps.every((x) => Number.isSafeInteger(x) && x !== 0)) throw badValue(call)
  const starts: number[] = []
  const sizes: number[] = []
  for (const [axis, size] of tensor.dims.entries()) {
    const stride = steps[axis]!
    const isAll = axis >= begin.data.length
    const inside = (at: number) => (at < 0 ? at + size : at)
    const single = !isAll && has('shrink_axis_mask', axis)
    const [low, high] = stride > 0 ? [0, size] : [-1, size - 1]
    const clamp = (at: number) => Math.min(Math.max(inside(at), low), high)
    const first =
      isAll || (has('begin_mask', axis) && !single)
        ? stride > 0
          ? 0
          : size - 1
        : clamp(begin.data[axis]!)
    const last = isAll || has('end_mask', axis) ? (stride > 0 ? size : -1) : clamp(end.data[axis]!)
    starts.push(first)
    sizes.push(single ? 1 : Math.max(Math.ceil((last - first) / stride), 0))
  }
  const part = cut(fold, tensor, starts, sizes, steps)
  const isKept = (axis: number) => axis >= begin.data.length || !has('shrink_axis_mask', axis)
  return { ...part, dims: part.dims.filter((_size, axis) => isKept(axis)) }
}

/** The named number of inputs. */
type Inputs<N extends number> = N extends 1
  ? readonly [Constant]
  : N extends 2
    ? readonly [Constant, Constant]
    : N extends 3
      ? readonly [Constant, Constant, Constant]
      : readonly [Constant, Constant, Constant, Constant]

function take<N extends 1 | 2 | 3 | 4>(
  inputs: readonly Constant[],
  count: N,
  { place }: Call,
): Inputs<N> {
  if (inputs.length >= count) return inputs as unknown as Inputs<N>
  throw invalidModel(`${place}: expected ${count} inputs, received ${inputs.length}`)
}

function map({ inputs, call, budget }: Fold, change: (x: number) => number): Constant {
  const [tensor] = take(inputs, 1, call)
  budget.take(tensor.data.length, call.place)
  return { ...tensor, data: tensor.data.map(change) }
}

function broadcast(fold: Fold, combine: (a: number, b: number) => number): Constant {
  const [left, right] = take(fold.inputs, 2, fold.call)
  const rank = Math.max(left.dims.length, right.dims.length)
  const aligned = [left, right].map(({ dims }) => [
    ...Array<number>(rank - dims.length).fill(1),
    ...dims,
  ]) as [number[], number[]]
  const dims = aligned[0].map((size, axis) => {
    const other = aligned[1][axis]!
    if (size === other || other === 1) return size
    if (size === 1) return other
    throw invalidModel(
      `${fold.call.place}: expected shapes that meet, received [${left.dims}] and [${right.dims}]`,
    )
  })
  const data = empty(left, dims, fold)
  const strides = aligned.map((sizes) =>
    stridesOf(sizes).map((stride, axis) => (sizes[axis] === 1 ? 0 : stride)),
  ) as [number[], number[]]
  eachIndex(dims, (index, at) => {
    data[at] = combine(left.data[dot(index, strides[0])]!, right.data[dot(index, strides[1])]!)
  })
  return { ...left, dims, data }
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

function concat(fold: Fold, axis: Constant | undefined): Constant {
  const { inputs, call } = fold
  const [first] = take(inputs, 1, call)
  const place = normalAxis(axis?.data[0] ?? 0, first.dims.length, call)
  const sizes = inputs.map(({ dims }) => dims[place] ?? 0)
  const dims = first.dims.map((size, at) =>
    at === place ? sizes.reduce((a, b) => a + b, 0) : size,
  )
  const data = empty(first, dims, fold)
  const inner = elementCount(dims.slice(place + 1))
  const outer = elementCount(dims.slice(0, place))
  let start = 0
  for (const [part, { dims: own, data: values }] of inputs.entries()) {
    if (own.some((size, at) => at !== place && size !== dims[at]) || own.length !== dims.length) {
      throw invalidModel(`${call.place}: expected parts of one shape, received [${own}]`)
    }
    const run = sizes[part]! * inner
    for (let row = 0; row < outer; row++) {
      data.set(values.subarray(row * run, (row + 1) * run), row * dims[place]! * inner + start)
    }
    start += run
  }
  return { ...first, dims, data }
}

function gather(fold: Fold, tensor: Constant, indices: Constant, axis: number): Constant {
  const place = normalAxis(axis, tensor.dims.length, fold.call)
  const dims = [...tensor.dims.slice(0, place), ...indices.dims, ...tensor.dims.slice(place + 1)]
  const data = empty(tensor, dims, fold)
  const inner = elementCount(tensor.dims.slice(place + 1))
  const outer = elementCount(tensor.dims.slice(0, place))
  let to = 0
  for (let row = 0; row < outer; row++) {
    for (const index of indices.data) {
      if (!(index >= 0 && index < tensor.dims[place]!)) throw badValue(fold.call)
      const from = (row * tensor.dims[place]! + index) * inner
      data.set(tensor.data.subarray(from, from + inner), to)
      to += inner
    }
  }
  return { ...tensor, dims, data }
}

function cut(
  fold: Fold,
  tensor: Constant,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
): Constant {
  const inside = tensor.dims.every((size, axis) => {
    const [start, count] = [starts[axis]!, sizes[axis]!]
    const last = start + (count - 1) * steps[axis]!
    return count === 0 || (count > 0 && start >= 0 && start < size && last >= 0 && last < size)
  })
  if (!inside || starts.length !== tensor.dims.length) throw badValue(fold.call)
  const data = empty(tensor, sizes, fold)
  const strides = stridesOf(tensor.dims)
  const origin = dot(starts, strides)
  const pace = strides.map((stride, axis) => stride * steps[axis]!)
  eachIndex(sizes, (index, at) => {
    data[at] = tensor.data[origin + dot(index, pace)]!
  })
  return { ...tensor, dims: [...sizes], data }
}

/** Zeros of the kind of `like`. */
function empty(
  { data }: Constant,
  dims: readonly number[],
  { budget, call }: Pick<Fold, 'budget' | 'call'>,
): Float32Array | Float64Array {
  const count = elementCount(dims)
  if (!Number.isSafeInteger(count) || count < 0) throw badValue(call)
  budget.take(count, call.place)
  return data instanceof Float32Array ? new Float32Array(count) : new Float64Array(count)
}

function countsOf({ data }: Constant, call: Call): number[] {
  const counts = [...data]
  if (counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return counts
  throw badValue(call)
}

/** Axes from the end have negative numbers. */
export function normalAxis(axis: number, rank: number, { place }: Pick<Call, 'place'>): number {
  const normal = axis < 0 ? axis + rank : axis
  if (Number.isSafeInteger(normal) && normal >= 0 && normal < rank) return normal
  throw invalidModel(`${place}: expected an axis of ${rank}, received ${axis}`)
}

export function expandDims<T>(
  dims: readonly T[],
  axis: number,
  size: T,
  call: Pick<Call, 'place'>,
): T[] {
  const place = normalAxis(axis, dims.length + 1, call)
  return [...dims.slice(0, place), size, ...dims.slice(place)]
}

const stridesOf = (dims: readonly number[]): number[] =>
  dims.map((_size, axis) => elementCount(dims.slice(axis + 1)))

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
  return sum
}

/** Visits every position of a shape, row-major. */
function eachIndex(dims: readonly number[], visit: (index: readonly number[], at: number) => void) {
  const index = dims.map(() => 0)
  const count = elementCount(dims)
  for (let at = 0; at < count; at++) {
    visit(index, at)
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) {
      index[axis] = 0
    }
  }
}

const badValue = ({ place }: Pick<Call, 'place'>) =>
  unsupportedModel(`${place}: expected shapes and axes that fit, received others or unknown ones`)
