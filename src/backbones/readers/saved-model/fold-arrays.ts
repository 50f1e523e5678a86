/** Operators that put constants together, cut and reorder them. */

import { elementCount } from '../../../tensor/tensor.ts'
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import { expandDims, normalAxis } from './axes.ts'
import { type Constant, isFloat, wholeNumbers } from './constant.ts'
import { badValue, broadcast, countsOf, empty, type Fold, map, take } from './fold.ts'
import { attribute, listAttribute } from './graph.ts'
import { dot, eachIndex, stridesOf } from './row-major.ts'

/** By the operator's name. */
export const ARRAY_OPERATORS: Readonly<Record<string, (fold: Fold) => Constant | Constant[]>> = {
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

function concat(fold: Fold, axis: Constant | undefined): Constant {
  const { inputs, call } = fold
  const [first] = take(inputs, 1, call)
  const place = normalAxis(axis?.data[0] ?? 0, first.dims.length, call)
  const sizes = inputs.map(({ dims }) => dims[place] ?? 0)
  const dims = first.dims.map((size, at) =>
    at === place ? sizes.reduce((a, b) => a + b, 0) : size,
  )
  const data = empty(first, dims, fold)
  // An axis of any length beside one of none has no rows to copy.
  if (data.length === 0) return { ...first, dims, data }
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
  if (data.length === 0) return { ...tensor, dims, data }
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
