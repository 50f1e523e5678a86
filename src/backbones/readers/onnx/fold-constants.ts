/** Computes nodes whose inputs are all constants: what exporters leave of shapes and of weights brought to other forms. */
import { elementCount } from '../../../tensor/tensor.ts'
import { permute } from '../foreign/permute.ts'
import { type Constant, toScalar } from './constant.ts'
import type { OnnxNode } from './onnx-node.ts'

type Data = Constant['data']

/** Gives the result, or undefined where the operator is not one of those that are computed. */
export function foldConstants(node: OnnxNode, inputs: readonly Constant[]): Constant | undefined {
  const [first, second] = inputs
  if (first === undefined) return undefined
  switch (node.op) {
    case 'Identity':
    case 'Dropout':
      return first
    case 'Cast':
      return castTo(node.integer('to', 1), first)
    case 'Transpose': {
      const perm = node.integers('perm') ?? first.dims.map((_, axis) => axis).reverse()
      if (!isPermutation(perm, first.dims.length)) throw node.invalid('no permutation of its axes')
      const { dims, data } = permute(
        { dims: first.dims, data: Float32Array.from(first.data) },
        perm,
      )
      return { dims, data: sameType(first.data, data) }
    }
    case 'Reshape':
      return second === undefined ? undefined : reshape(node, first, Array.from(second.data))
    case 'Flatten': {
      const axis = node.integer('axis', 1)
      return reshape(node, first, [elementCount(first.dims.slice(0, axis)), -1])
    }
    case 'Squeeze': {
      const axes = node.axes(1, first.dims.length)
      const dims = first.dims.filter((size, axis) =>
        axes === undefined ? size !== 1 : !axes.includes(axis),
      )
      return reshape(node, first, dims)
    }
    case 'Unsqueeze': {
      const given = node.axes(1) ?? []
      const dims = [...first.dims]
      const rank = dims.length + given.length
      for (const axis of given.map((at) => (at < 0 ? at + rank : at)).sort((a, b) => a - b)) {
        dims.splice(axis, 0, 1)
      }
      return reshape(node, first, dims)
    }
    case 'Concat':
      return joined(inputs)
    case 'Gather':
      return first.dims.length === 1 && second !== undefined
        ? gather(node, first, second)
        : undefined
    case 'Slice':
      return first.dims.length === 1 ? slice(node, first) : undefined
    case 'Shape':
      return { dims: [first.dims.length], data: Float64Array.from(first.dims) }
    case 'Sqrt':
      return { ...first, data: first.data.map(Math.sqrt) }
    case 'Add':
      return combine(first, second, (a, b) => a + b)
    case 'Sub':
      return combine(first, second, (a, b) => a - b)
    case 'Mul':
      return combine(first, second, (a, b) => a * b)
    case 'Div':
      return combine(first, second, (a, b) => a / b)
    case 'DequantizeLinear':
      return dequantize(node, inputs)
    default:
      return undefined
  }
}

const sameType = (like: Data, data: Data): Data =>
  like instanceof Float32Array ? Float32Array.from(data) : Float64Array.from(data)

/** `TensorProto.DataType` of floats; all others are whole numbers. */
const castTo = (type: number, { dims, data }: Constant): Constant => ({
  dims,
  data: [1, 10, 11, 16].includes(type)
    ? Float32Array.from(data)
    : Float64Array.from(data, (value) => Math.trunc(value)),
})

const isPermutation = (perm: readonly number[], rank: number): boolean =>
  perm.length === rank && [...perm].sort((a, b) => a - b).every((axis, at) => axis === at)

function reshape(node: OnnxNode, { dims, data }: Constant, to: readonly number[]): Constant {
  const sizes = to.map((size, axis) => (size === 0 ? (dims[axis] ?? 0) : size))
  const known = elementCount(sizes.filter((size) => size !== -1))
  const filled = sizes.map((size) => (size === -1 ? data.length / known : size))
  const fits = filled.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (!fits || elementCount(filled) !== data.length) {
    throw node.invalid(`no shape [${to.join(', ')}] for ${data.length} values`)
  }
  return { dims: filled, data }
}

/** Longest list that is put together from others: those that stand for shapes have some elements. */
const MAX_JOINED = 4096

function joined(inputs: readonly Constant[]): Constant | undefined {
  const count = inputs.reduce((sum, { data }) => sum + data.length, 0)
  if (count > MAX_JOINED || inputs.some(({ dims }) => dims.length !== 1)) return undefined
  const values = inputs.flatMap(({ data }) => Array.from(data))
  return { dims: [values.length], data: sameType(inputs[0]!.data, Float64Array.from(values)) }
}

function gather(node: OnnxNode, from: Constant, { dims, data: places }: Constant): Constant {
  const values = Array.from(places, (place) => {
    const value = from.data[place < 0 ? place + from.data.length : place]
    if (value === undefined) throw node.invalid(`no element ${place}`)
    return value
  })
  return { dims, data: sameType(from.data, Float64Array.from(values)) }
}

function slice(node: OnnxNode, from: Constant): Constant | undefined {
  const bounds = node.slices()
  if (bounds?.length !== 1 || bounds[0]?.step !== 1) return undefined
  const data = from.data.slice(bounds[0].start, Math.min(bounds[0].end, from.data.length))
  return { dims: [data.length], data }
}

/** Where the shapes are equal, or one of the two is a single number. */
function combine(
  left: Constant,
  right: Constant | undefined,
  compute: (left: number, right: number) => number,
): Constant | undefined {
  if (right === undefined) return undefined
  const [one, other] = [toScalar(left), toScalar(right)]
  if (other !== undefined) return { ...left, data: left.data.map((value) => compute(value, other)) }
  if (one !== undefined) return { ...right, data: right.data.map((value) => compute(one, value)) }
  if (left.dims.join() !== right.dims.join()) return undefined
  return { ...left, data: left.data.map((value, at) => compute(value, right.data[at]!)) }
}

/** `(x − zero) · scale`, with one scale for all or one for each place of an axis. */
function dequantize(node: OnnxNode, [values, scales, zeros]: readonly Constant[]): Constant {
  if (values === undefined || scales === undefined) throw node.invalid('no scale')
  const { dims, data } = values
  const given = node.integer('axis', 1)
  const axis = given < 0 ? given + dims.length : given
  const single = scales.data.length === 1
  if (!single && scales.data.length !== dims[axis]) throw node.invalid('scales for another shape')
  const step = elementCount(dims.slice(axis + 1))
  return {
    dims,
    data: Float32Array.from(data, (value, at) => {
      const place = single ? 0 : Math.floor(at / step) % scales.data.length
      return (value - (zeros?.data[place] ?? 0)) * scales.data[place]!
    }),
  }
}
