/** Operators of networks: each adds layers to the draft. */
import { unsupportedModel } from '../foreign/model-errors.ts'
import { convKernel, depthwiseKernel } from '../foreign/permute.ts'
import { activate, erf, expm1, floor, root, round, softmax } from './activations.ts'
import { wholeNumbers } from './constant.ts'
import { convolve, deal, gather, slice } from './convolutions.ts'
import type { Call } from './evaluate.ts'
import { attribute } from './graph.ts'
import {
  add,
  addAll,
  batchNorm,
  clip,
  divide,
  keepsChosen,
  maximum,
  minimum,
  multiply,
  multiplyMatrices,
  subtract,
} from './layer-arithmetic.ts'
import { affine, type LayerOperator, refuse, scalar } from './layer-call.ts'
import { concat, expand, pad, reshape, reverse, squeeze, transpose } from './map-shapes.ts'
import { pool, reduce } from './pools.ts'
import type { Reading } from './reading.ts'
import type { Piece, Value } from './value.ts'

/** Adds what an operator does to a network. Throws `model_unsupported` naming the node where that is nothing known. */
export function addLayer(call: Call, reading: Reading): Value {
  const { node, place } = call
  const operator = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined
  const x = call.inputs.find((input) => input.kind === 'layer')
  if (operator === undefined || x === undefined) {
    throw unsupportedModel(`Expected an operator of image classifiers, received ${place}`)
  }
  for (const input of call.inputs) {
    const piece = input.kind === 'layer' ? input.piece : undefined
    if (piece !== undefined && !READERS[piece.kind].includes(node.op)) {
      throw refuse(call, `the rest of a layer that began as ${piece.kind}`)
    }
  }
  return operator({ ...call, x, draft: reading.draft, reading })
}

/** What may follow on the beginning of a layer. */
const READERS: Readonly<Record<Piece['kind'], readonly string[]>> = {
  dealt: ['Conv2D', 'DepthwiseConv2dNative', 'BatchToSpaceND'],
  margin: ['MaxPool', 'MaxPoolV2'],
  channels: ['Conv2D'],
  group: ['ConcatV2', 'Concat'],
  expm1: ['Mul', 'Add', 'AddV2'],
  erf: ['Add', 'AddV2'],
  'erf-share': ['Mul'],
}

const OPERATORS: Readonly<Record<string, LayerOperator>> = {
  Add: add,
  AddN: addAll,
  AddV2: add,
  AvgPool: pool('average-pool'),
  BatchToSpaceND: gather,
  BiasAdd: add,
  BiasAddV1: add,
  Cast: ({ x }) => x,
  ClipByValue: (call) => clip(call, scalar(call, 1), scalar(call, 2)),
  Concat: concat(true),
  ConcatV2: concat(false),
  Conv2D: convolve(convKernel, false),
  DepthwiseConv2dNative: convolve(depthwiseKernel, true),
  Div: divide,
  Elu: activate('elu', () => 1),
  Erf: erf,
  ExpandDims: expand,
  Expm1: expm1,
  Floor: floor,
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  BatchMatMulV2: multiplyMatrices,
  BatchMatMulV3: multiplyMatrices,
  LeakyRelu: activate('leaky-relu', ({ node }) => attribute(node, 'alpha', 'f') ?? 0.2),
  MatMul: multiplyMatrices,
  Max: reduce('global-max-pool'),
  MaxPool: pool('max-pool'),
  MaxPoolV2: pool('max-pool', true),
  Maximum: maximum,
  Mean: reduce('global-average-pool'),
  Minimum: minimum,
  Mul: multiply,
  Neg: (call) => affine(call, call.x, -1, 0),
  Pad: pad,
  PadV2: pad,
  RealDiv: divide,
  Relu: activate('relu'),
  Relu6: activate('relu6'),
  Reshape: reshape,
  ReverseV2: reverse,
  Rint: round,
  Round: round,
  Select: keepsChosen,
  SelectV2: keepsChosen,
  Shape: ({ x, reading }) => wholeNumbers(reading.dims(x)),
  Sigmoid: activate('sigmoid'),
  Slice: slice,
  Softmax: softmax,
  Sqrt: root,
  Squeeze: squeeze,
  SpaceToBatchND: deal,
  Sub: subtract,
  Sum: reduce('global-average-pool', true),
  Tanh: activate('tanh'),
  Transpose: transpose,
}
