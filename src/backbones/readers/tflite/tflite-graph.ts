/** The parts of a TFLite file that we read, as plain data. */
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { type FlatTable, readRootTable } from './flat-table.ts'

/** Numbers of `TensorType`. */
export const TENSOR_TYPES = {
  0: 'float32',
  1: 'float16',
  2: 'int32',
  3: 'uint8',
  4: 'int64',
  6: 'bool',
  7: 'int16',
  9: 'int8',
} as const
export type TensorType = (typeof TENSOR_TYPES)[keyof typeof TENSOR_TYPES]

/** A number `q` stands for `(q − zeroPoint) · scale`, with one pair for all or for each index of axis `axis`. */
export interface Quantization {
  readonly scales: readonly number[]
  readonly zeroPoints: readonly number[]
  readonly axis: number
}

export interface TfliteTensor {
  readonly name: string
  readonly dims: readonly number[]
  /** Undefined where it is of a type that we do not read. */
  readonly type: TensorType | undefined
  readonly quantization?: Quantization
  /** Bytes of a constant; undefined where an operator computes it. */
  readonly data?: Uint8Array
  readonly isSparse: boolean
}

export interface TfliteOperator {
  /** Number of `BuiltinOperator`. */
  readonly code: number
  /** Name of an operator that is not built in. */
  readonly custom: string
  /** Indices of tensors; −1 where an input is left out. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly options: FlatTable | undefined
}

export interface TfliteGraph {
  readonly tensors: readonly TfliteTensor[]
  readonly operators: readonly TfliteOperator[]
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Bytes that are stored under a name, e.g. `TFLITE_METADATA`. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
}

/** Numbers of fields: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs */
const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4, metadata: 6 }
const OPERATOR_CODE = { deprecatedCode: 0, customCode: 1, code: 3 }
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 }
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3, quantization: 4, sparsity: 6 }
const QUANTIZATION = { scale: 2, zeroPoint: 3, detailsType: 4, axis: 6 }
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4 }
const BUFFER = { data: 0, offset: 1, size: 2 }
const METADATA = { name: 0, buffer: 1 }

/** Reads the first graph of a model. Throws `model_invalid` where an offset or an index leads nowhere. */
export function readTfliteGraph(bytes: Uint8Array): TfliteGraph {
  const model = readRootTable(bytes, ['TFL3'])
  const buffers = model.tables(MODEL.buffers).map((buffer) => readBuffer(buffer, bytes))
  const [subgraph] = model.tables(MODEL.subgraphs)
  if (subgraph === undefined) throw invalidModel('Expected a TFLite graph, received a file without')
  const tensors = subgraph.tables(SUBGRAPH.tensors).map((tensor) => readTensor(tensor, buffers))
  const codes = model.tables(MODEL.operatorCodes).map((entry) => ({
    // Numbers above 127 stand in a field that older files lack.
    code: Math.max(entry.int8(OPERATOR_CODE.deprecatedCode), entry.int32(OPERATOR_CODE.code)),
    custom: entry.text(OPERATOR_CODE.customCode),
  }))
  const known = (indices: number[], least: -1 | 0): number[] => {
    const wrong = indices.find((index) => index < least || index >= tensors.length)
    if (wrong === undefined) return indices
    throw invalidModel(`Expected an index below ${tensors.length} of a tensor, received ${wrong}`)
  }
  const operators = subgraph.tables(SUBGRAPH.operators).map((operator, index) => {
    const code = codes[operator.uint32(OPERATOR.code)]
    if (code === undefined)
      throw invalidModel(`Operator ${index} has a code that is not in the file`)
    return {
      ...code,
      inputs: known(operator.int32s(OPERATOR.inputs), -1),
      outputs: known(operator.int32s(OPERATOR.outputs), 0),
      options: operator.table(OPERATOR.options),
    }
  })
  const metadata = new Map<string, Uint8Array>()
  for (const entry of model.tables(MODEL.metadata)) {
    const data = buffers[entry.uint32(METADATA.buffer)]
    if (data !== undefined) metadata.set(entry.text(METADATA.name), data)
  }
  return {
    tensors,
    operators,
    inputs: known(subgraph.int32s(SUBGRAPH.inputs), 0),
    outputs: known(subgraph.int32s(SUBGRAPH.outputs), 0),
    metadata,
  }
}

function readBuffer(buffer: FlatTable, file: Uint8Array): Uint8Array | undefined {
  const offset = buffer.uint64(BUFFER.offset)
  // Files above 2 GB hold their buffers behind the FlatBuffer; 0 and 1 mean that they do not.
  if (offset > 1) {
    const size = buffer.uint64(BUFFER.size)
    if (offset + size > file.length) {
      throw invalidModel(`Expected ${size} bytes at ${offset}, received a file of ${file.length}`)
    }
    return file.subarray(offset, offset + size)
  }
  const data = buffer.bytes(BUFFER.data)
  return data === undefined || data.length === 0 ? undefined : data
}

function readTensor(tensor: FlatTable, buffers: readonly (Uint8Array | undefined)[]): TfliteTensor {
  const name = shortName(tensor.text(TENSOR.name))
  const dims = tensor.int32s(TENSOR.shape)
  if (dims.some((dim) => dim < 0)) {
    throw invalidModel(`Expected the shape of ${name}, received [${dims.join(', ')}]`)
  }
  const data = buffers[tensor.uint32(TENSOR.buffer)]
  const table = tensor.table(TENSOR.quantization)
  const scales = table?.float32s(QUANTIZATION.scale) ?? []
  if (table !== undefined && table.uint8(QUANTIZATION.detailsType) !== 0) {
    throw unsupportedModel(
      `${name}: expected one scale for a tensor or a channel, received another rule`,
    )
  }
  const types: Readonly<Record<number, TensorType>> = TENSOR_TYPES
  return {
    name,
    dims,
    type: types[tensor.int8(TENSOR.type)],
    isSparse: tensor.table(TENSOR.sparsity) !== undefined,
    ...(data === undefined ? {} : { data }),
    ...(table === undefined || scales.length === 0
      ? {}
      : {
          quantization: {
            scales,
            zeroPoints: table.int64s(QUANTIZATION.zeroPoint),
            axis: table.int32(QUANTIZATION.axis),
          },
        }),
  }
}

/** The converter joins the names of everything that it merged: `a/Conv2D;StatefulPartitionedCall/a/Conv2D;a/Relu`. */
function shortName(name: string): string {
  const [first = ''] = name.split(';', 1)
  return first.replace(/^StatefulPartitionedCall\//, '')
}
