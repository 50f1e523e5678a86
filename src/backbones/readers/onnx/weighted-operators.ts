/** ONNX operators with trained weights: convolutions, matrix products, batch norms. */
import { permute } from '../foreign/permute.ts'
import type { Constant } from './constant.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue } from './graph-value.ts'
import { layerValue, pair, requireMap, squared } from './layer-operators.ts'
import { convPadding } from './windows.ts'

export function conv(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const input = requireMap(reader)
  const kernel = asFloats(node.requireConstant(1))
  if (kernel.dims.length !== 4) throw node.unsupported(`a kernel [${kernel.dims.join(', ')}]`)
  const bias = node.constant(2)
  const taps = kernel.dims.slice(2) as [number, number]
  const stride = pair(reader, 'strides')
  const dilation = pair(reader, 'dilations')
  const padding = convPadding(reader, input, { taps, stride, dilation })
  const options = {
    input,
    stride: squared(stride),
    padding,
    groups: node.integer('group', 1),
    ...(squared(dilation) === 1 ? {} : { dilation: squared(dilation) }),
  }
  return layerValue(
    draft.conv(
      weightName(reader),
      options,
      kernel,
      bias === undefined ? undefined : asFloats(bias),
    ),
  )
}

export function gemm(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const { id } = reader.layer(0)
  if (reader.shapeOf(id).height !== undefined || node.integer('transA', 0) !== 0) {
    throw node.unsupported('an input that is no vector for each photo')
  }
  const stored = asFloats(node.requireConstant(1))
  if (stored.dims.length !== 2) throw node.unsupported(`a kernel [${stored.dims.join(', ')}]`)
  const kernel = node.integer('transB', 0) === 0 ? permute(stored, [1, 0]) : stored
  const alpha = node.float('alpha', 1)
  const scaled = alpha === 1 ? kernel : { ...kernel, data: kernel.data.map((x) => x * alpha) }
  const beta = node.float('beta', 1)
  const bias = node.constant(2)
  const units = kernel.dims[0] ?? 0
  return layerValue(
    draft.dense(
      weightName(reader),
      id,
      scaled,
      bias === undefined ? undefined : biasOf(reader, bias, units, beta),
    ),
  )
}

export function matMul(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const { id } = reader.layer(0)
  const kernel = asFloats(node.requireConstant(1))
  if (reader.shapeOf(id).height !== undefined || kernel.dims.length !== 2) {
    throw node.unsupported('inputs that are not a vector and a matrix')
  }
  return layerValue(draft.dense(weightName(reader), id, permute(kernel, [1, 0])))
}

export function batchNorm(reader: NodeReader): GraphValue {
  const { node, draft } = reader
  const x = reader.layer(0)
  if (node.integer('training_mode', 0) !== 0 || node.integer('spatial', 1) !== 1) {
    throw node.unsupported('statistics of its own batch or position')
  }
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((at) => asFloats(node.requireConstant(at)))
  const epsilon = node.float('epsilon', 1e-5)
  const norm = { gamma, beta, mean: mean!, variance: variance!, epsilon }
  return layerValue(draft.batchNorm(node.name, x.id, norm), x.channelsLast)
}

function biasOf({ node }: NodeReader, { dims, data }: Constant, units: number, beta: number) {
  if (data.length !== 1 && data.length !== units) {
    throw node.unsupported(`a bias of shape [${dims.join(', ')}]`)
  }
  const values = Float32Array.from({ length: units }, (_, at) => {
    const value = data.length === 1 ? data[0]! : data[at]!
    return beta === 1 ? value : value * beta
  })
  return { dims: [units], data: values }
}

/** Weights that are called `<layer>/kernel` keep the name of their layer, as those that Verger wrote do. */
function weightName({ node }: NodeReader): string {
  const [, name] = /^([!-~]{1,120})\/kernel$/.exec(node.inputs[1] ?? '') ?? []
  return name ?? node.name
}

const asFloats = ({ dims, data }: Constant) => ({
  dims,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
})
