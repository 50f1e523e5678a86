/**
 * How each ONNX operator becomes layers. Meaning of operators and their attributes, opsets 7 to 21:
 * https://github.com/onnx/onnx/blob/main/docs/Operators.md
 */
import { addValues, multiplyConstant, multiplyValues } from './arithmetic.ts'
import { dequantize, quantize } from './eight-bit-operators.ts'
import type { NodeReader } from './graph-reader.ts'
import type { GraphValue } from './graph-value.ts'
import type { Read } from './layer-operators.ts'
import { concat, globalPool, pad, pool, reduce } from './map-operators.ts'
import { flatten, reshape, sliceChannel, squeeze, transpose, unsqueeze } from './shapes.ts'
import {
  activation,
  bounded,
  clipNode,
  elu,
  erf,
  floor,
  gelu,
  hardSigmoid,
  leakyRelu,
  logSoftmax,
  pRelu,
  reduceLength,
  round,
  softmax,
  squareRoot,
  unit,
} from './value-operators.ts'
import { batchNorm, conv, gemm, matMul } from './weighted-operators.ts'

const passed: Read = (reader) => reader.value(0)

/** To floats; what is cut off or rounded would be something else than a network. */
function cast(reader: NodeReader): GraphValue {
  const to = reader.node.integer('to', 1)
  if (![1, 10, 11, 16].includes(to)) throw reader.node.unsupported(`the element type ${to}`)
  return reader.value(0)
}

const add: Read = (reader) => addValues(reader, 1)

const mean: Read = (reader) =>
  multiplyConstant(reader, addValues(reader, 1), [1 / reader.node.inputs.length])

export const OPERATORS: Readonly<Record<string, Read>> = {
  Add: add,
  AveragePool: pool('average-pool'),
  BatchNormalization: batchNorm,
  Cast: cast,
  Clip: clipNode,
  Concat: concat,
  Conv: conv,
  DequantizeLinear: dequantize,
  Div: (reader) => multiplyValues(reader, -1),
  Dropout: passed,
  Elu: elu,
  Erf: erf,
  Flatten: flatten,
  Floor: floor,
  Gather: sliceChannel,
  Gelu: gelu,
  Gemm: gemm,
  GlobalAveragePool: globalPool('global-average-pool'),
  GlobalMaxPool: globalPool('global-max-pool'),
  HardSigmoid: hardSigmoid,
  HardSwish: activation('hard-swish'),
  Identity: passed,
  LeakyRelu: leakyRelu,
  LogSoftmax: logSoftmax,
  LpNormalization: unit,
  MatMul: matMul,
  Max: bounded('min'),
  MaxPool: pool('max-pool'),
  Mean: mean,
  Min: bounded('max'),
  Mul: (reader) => multiplyValues(reader, 1),
  Neg: (reader) => multiplyConstant(reader, reader.value(0), [-1]),
  PRelu: pRelu,
  Pad: pad,
  QuantizeLinear: quantize,
  ReduceL2: reduceLength,
  ReduceMax: reduce('global-max-pool'),
  ReduceMean: reduce('global-average-pool'),
  Relu: activation('relu'),
  Reshape: reshape,
  Round: round,
  Sigmoid: activation('sigmoid'),
  Slice: sliceChannel,
  Softmax: softmax,
  Sqrt: squareRoot,
  Squeeze: squeeze,
  Sub: (reader) => addValues(reader, -1),
  Sum: add,
  Tanh: activation('tanh'),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}
