/** Builds an ONNX model node by node and encodes it. The same calls give the same bytes. */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts'
import { joinPieces, lengthDelimited, type Piece, piece } from './protobuf-pieces.ts'
import { elementCount } from './tensor.ts'

/** Versions that onnxruntime 1.17 and later read; `Resize` with `antialias` needs opset 18. */
const OPSET = 18n
const IR_VERSION = 9n

/** Element types by their number in `TensorProto.DataType`. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const
export type ElementType = keyof typeof ELEMENT_TYPES

/** Numbers of `AttributeProto.AttributeType`. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const

/** Whole numbers become INT, texts STRING, arrays INTS; `float()` marks a FLOAT. */
export type Attribute = number | string | readonly number[] | { readonly float: number }

/** Marks a number as a FLOAT attribute. */
export const float = (value: number): Attribute => ({ float: value })

/** A name stands for a free dimension. */
export type Dimension = number | string

/** Values of a constant; their type is that of the array. */
export type ConstantData = Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array

/** The name of a value that flows between nodes. */
export type Value = string

export interface GraphBuilder {
  /** Declares an input of the graph. */
  input(name: string, type: ElementType, dims: readonly Dimension[]): Value
  /** Adds a constant, which must not change before `encode`. Throws when the data do not fill `dims`. */
  constant(name: string, data: ConstantData, dims: readonly number[]): Value
  /** Adds a node with one output and gives its name. A domain stands before an operator that is not of ONNX itself: `com.microsoft.FusedMatMul`. */
  node(
    opType: string,
    inputs: readonly Value[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): Value
  /** Adds a node with several outputs and gives their names. */
  nodeOutputs(
    opType: string,
    inputs: readonly Value[],
    count: number,
    attributes?: Readonly<Record<string, Attribute>>,
  ): Value[]
  /** Declares `value` as an output of the graph under `name`. */
  output(name: string, value: Value, type: ElementType, dims: readonly Dimension[]): void
  /** Encodes what was built; `metadata` is stored in the order of its keys. */
  encode(metadata?: Readonly<Record<string, string>>): Uint8Array
}

/** Starts an empty graph. */
export function createGraphBuilder(name: string): GraphBuilder {
  const nodes: NodeProto[] = []
  const inputs: ValueInfoProto[] = []
  const outputs: ValueInfoProto[] = []
  const constants = new Map<string, Piece[]>()
  const domains = new Set<string>()

  const addNode: GraphBuilder['nodeOutputs'] = (operator, nodeInputs, count, attributes = {}) => {
    const dot = operator.lastIndexOf('.')
    const opType = operator.slice(dot + 1)
    const domain = operator.slice(0, Math.max(dot, 0))
    if (domain !== '') domains.add(domain)
    const nodeName = `${opType.toLowerCase()}_${nodes.length}`
    const output = Array.from({ length: count }, (_, index) =>
      index === 0 ? nodeName : `${nodeName}_${index}`,
    )
    nodes.push(
      create(NodeProtoSchema, {
        opType,
        domain,
        name: nodeName,
        input: [...nodeInputs],
        output,
        attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
      }),
    )
    return output
  }

  return {
    input(inputName, type, dims) {
      inputs.push(valueInfo(inputName, type, dims))
      return inputName
    },

    constant(constantName, data, dims) {
      if (data.length !== elementCount(dims)) {
        throw new RangeError(
          `Constant ${constantName}: ${data.length} values do not fill [${dims}]`,
        )
      }
      const head = create(TensorProtoSchema, {
        name: constantName,
        dims: dims.map(BigInt),
        dataType: ELEMENT_TYPES[typeOf(data)],
      })
      const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      constants.set(constantName, [
        piece(toBinary(TensorProtoSchema, head)),
        ...lengthDelimited(FIELDS.rawData, [piece(values)]),
      ])
      return constantName
    },

    node: (opType, nodeInputs, attributes) => addNode(opType, nodeInputs, 1, attributes)[0] ?? '',

    nodeOutputs: addNode,

    output(outputName, value, type, dims) {
      nodes.push(
        create(NodeProtoSchema, {
          opType: 'Identity',
          name: outputName,
          input: [value],
          output: [outputName],
        }),
      )
      outputs.push(valueInfo(outputName, type, dims))
    },

    encode(metadata = {}) {
      const graph = [
        piece(toBinary(GraphProtoSchema, create(GraphProtoSchema, { name, node: nodes }))),
        ...[...constants.values()].flatMap((tensor) => lengthDelimited(FIELDS.initializer, tensor)),
        piece(
          toBinary(GraphProtoSchema, create(GraphProtoSchema, { input: inputs, output: outputs })),
        ),
      ]
      const before = create(ModelProtoSchema, { irVersion: IR_VERSION, producerName: 'verger' })
      const after = create(ModelProtoSchema, {
        opsetImport: [
          { domain: '', version: OPSET },
          ...[...domains].map((domain) => ({ domain, version: 1n })),
        ],
        metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      })
      return joinPieces([
        piece(toBinary(ModelProtoSchema, before)),
        ...lengthDelimited(FIELDS.graph, graph),
        piece(toBinary(ModelProtoSchema, after)),
      ])
    },
  }
}

/** Numbers of the fields that are framed in pieces, so that large tensors are copied once. */
const FIELDS = { rawData: 9, initializer: 5, graph: 7 } as const

function typeOf(data: ConstantData): ElementType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Int32Array) return 'int32'
  return data instanceof Int8Array ? 'int8' : 'uint8'
}

function valueInfo(name: string, type: ElementType, dims: readonly Dimension[]): ValueInfoProto {
  const dim = dims.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  )
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: { case: 'tensorType', value: { elemType: ELEMENT_TYPES[type], shape: { dim } } },
    },
  })
}

function encodeAttribute(name: string, value: Attribute) {
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: ATTRIBUTE.string,
      s: new TextEncoder().encode(value),
    })
  }
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE.int, i: BigInt(value) })
  }
  if (Array.isArray(value)) {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE.ints, ints: value.map(BigInt) })
  }
  return create(AttributeProtoSchema, {
    name,
    type: ATTRIBUTE.float,
    f: (value as { float: number }).float,
  })
}
