/** Builds a TensorFlow graph node by node and frames it as a SavedModel of the kind that TensorFlow 1 and 2 load. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { VergerError } from '../core/errors.ts'
import {
  type AttrValue,
  type AttrValue_ListValueSchema,
  AttrValueSchema,
  type FunctionDef,
  FunctionDefSchema,
  GraphDefSchema,
  MetaGraphDefSchema,
  type NodeDef,
  NodeDefSchema,
  SavedModelSchema,
  type SignatureDef,
  SignatureDefSchema,
  TensorProtoSchema,
} from './generated/tensorflow_pb.ts'
import { lengthDelimited, type Piece, piece, totalBytes } from './protobuf-pieces.ts'
import { elementCount } from './tensor.ts'
import { DATA_TYPES } from './tensorflow-types.ts'

export type DataType = keyof typeof DATA_TYPES

/** −1 stands for a free dimension. */
export type Dims = readonly number[]

/** The name of a tensor that flows between nodes. */
export type Value = string

export type Attributes = Readonly<Record<string, AttrValue>>

const attribute = (value: MessageInitShape<typeof AttrValueSchema>['value']): AttrValue =>
  create(AttrValueSchema, value === undefined ? {} : { value })
const list = (value: MessageInitShape<typeof AttrValue_ListValueSchema>): AttrValue =>
  attribute({ case: 'list', value })
const shapeOf = (dims: Dims) => ({ dim: dims.map((size) => ({ size: BigInt(size) })) })
const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text

/** Makes attributes of nodes. */
export const attr = {
  type: (value: DataType) => attribute({ case: 'type', value: DATA_TYPES[value] }),
  types: (values: readonly DataType[]) => list({ type: values.map((value) => DATA_TYPES[value]) }),
  int: (value: number) => attribute({ case: 'i', value: BigInt(value) }),
  ints: (values: readonly number[]) => list({ i: values.map(BigInt) }),
  float: (value: number) => attribute({ case: 'f', value }),
  bool: (value: boolean) => attribute({ case: 'b', value }),
  text: (value: string) => attribute({ case: 's', value: bytesOf(value) }),
  shape: (dims: Dims) => attribute({ case: 'shape', value: shapeOf(dims) }),
  shapes: (shapes: readonly Dims[]) => list({ shape: shapes.map(shapeOf) }),
  func: (name: string) => attribute({ case: 'func', value: { name } }),
} as const

/** What a graph and the body of a function have in common. */
export interface TensorflowNodes {
  /** Adds a node, under a name of its own or one made of the operator, and gives its first output. */
  node(op: string, inputs: readonly Value[], attributes?: Attributes, name?: string): Value
  /** Another output of the node that gave `value`: how the operator calls it, and its place among all outputs. */
  output(value: Value, name: string, place: number): Value
  /** Adds a constant of numbers. */
  numbers(type: 'float' | 'int32', values: readonly number[], dims?: Dims): Value
  /** Adds a constant of texts or bytes. */
  texts(values: readonly (string | Uint8Array)[], dims?: Dims): Value
}

export interface TensorflowGraph extends TensorflowNodes {
  /** Adds a tensor of `dims` whose values `read` gives when they are written; once for each name. */
  tensor(name: string, dims: Dims, read: () => Float32Array): Value
  /** Declares an input of the graph. */
  placeholder(name: string, type: DataType, dims: Dims): Value
  /** Adds a function of one argument. */
  addFunction(
    name: string,
    argument: { readonly name: string; readonly type: DataType },
    outputTypes: readonly DataType[],
    build: (nodes: TensorflowNodes, argument: Value) => readonly Value[],
  ): void
  /** Declares what a server may ask for. */
  addSignature(name: string, signature: Signature): void
  /** Frames what was built as `saved_model.pb`. Throws `export_too_large` where it is over 2 GiB. */
  encode(): Piece[]
}

/** Tensors by the names that callers use. */
export interface Signature {
  readonly inputs: Readonly<Record<string, SignatureTensor>>
  readonly outputs: Readonly<Record<string, SignatureTensor>>
}

interface SignatureTensor {
  readonly value: Value
  readonly type: DataType
  readonly dims: Dims
}

/** What readers of protobuf accept, and what there is in a model beside its nodes, amply. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1
const REST_BYTES = 2 ** 20

/** The version of graphs that TensorFlow 1.15 writes; any consumer that has the operators may read it. */
const WRITTEN_FOR = '1.15.0'
const PRODUCER = 134
const MIN_CONSUMER = 12

/** Field numbers of tensorflow.proto, for the messages that are framed by hand. */
const FIELD = {
  savedModelMetaGraphs: 2,
  metaGraphGraph: 2,
  graphNode: 1,
  nodeAttr: 5,
  mapKey: 1,
  mapValue: 2,
  attrTensor: 8,
  tensorContent: 4,
} as const

/** How the operators inside functions call their first output: there, inputs are named after it. */
const FIRST_OUTPUTS: Readonly<Record<string, string>> = {
  Const: 'output',
  AddV2: 'z',
  Cast: 'y',
  ConcatV2: 'output',
  DecodeGif: 'image',
  DecodeJpeg: 'image',
  DecodePng: 'image',
  Equal: 'z',
  Floor: 'y',
  FloorDiv: 'z',
  Maximum: 'z',
  Merge: 'output',
  Minimum: 'z',
  Mul: 'z',
  RealDiv: 'z',
  Reshape: 'output',
  Round: 'y',
  ScaleAndTranslate: 'resized_images',
  Shape: 'output',
  Squeeze: 'output',
  StridedSlice: 'output',
  Sub: 'z',
  Substr: 'output',
  Switch: 'output_false',
}

/** Starts an empty graph. */
export function createTensorflowGraph(): TensorflowGraph {
  const pieces: Piece[] = []
  const names = createNames()
  const functions: FunctionDef[] = []
  const signatures: Record<string, SignatureDef> = {}
  const tensors = new Map<string, Value>()

  const nodes = createNodes(
    names,
    (node) => {
      pieces.push(...lengthDelimited(FIELD.graphNode, [piece(toBinary(NodeDefSchema, node))]))
    },
    { first: (name) => name, other: (name, _, place) => `${name}:${place}` },
  )

  return {
    ...nodes,

    tensor(wanted, dims, read) {
      const known = tensors.get(wanted)
      if (known !== undefined) return known
      const name = names.take(wanted)
      tensors.set(wanted, name)
      pieces.push(...frameTensor(name, dims, read))
      return name
    },

    placeholder(name, type, dims) {
      const attributes = { dtype: attr.type(type), shape: attr.shape(dims) }
      return nodes.node('Placeholder', [], attributes, name)
    },

    addFunction(name, argument, outputTypes, build) {
      const body: NodeDef[] = []
      const inner = createNodes(createNames(), (node) => body.push(node), {
        first: (node, op) => `${node}:${firstOutput(op)}:0`,
        other: (node, output) => `${node}:${output}:0`,
      })
      const results = build(inner, argument.name)
      functions.push(
        create(FunctionDefSchema, {
          signature: {
            name,
            inputArg: [{ name: argument.name, type: DATA_TYPES[argument.type] }],
            outputArg: outputTypes.map((type, index) => ({
              name: `result_${index}`,
              type: DATA_TYPES[type],
            })),
          },
          nodeDef: body,
          ret: Object.fromEntries(results.map((value, index) => [`result_${index}`, value])),
        }),
      )
    },

    addSignature(name, { inputs, outputs }) {
      signatures[name] = create(SignatureDefSchema, {
        inputs: tensorInfos(inputs),
        outputs: tensorInfos(outputs),
        methodName: 'tensorflow/serving/predict',
      })
    },

    encode() {
      const sizeBytes = totalBytes(pieces)
      if (sizeBytes > MAX_MESSAGE_BYTES - REST_BYTES) {
        throw new VergerError(
          'export_too_large',
          `Expected a graph below 2 GiB, received one of ${sizeBytes} bytes: a SavedModel with its weights as constants cannot be larger`,
          { hint: 'Export a smaller network; ONNX files end at 2 GiB too.' },
        )
      }
      const versions = { producer: PRODUCER, minConsumer: MIN_CONSUMER }
      const behindNodes = create(GraphDefSchema, { library: { function: functions }, versions })
      const info = create(MetaGraphDefSchema, {
        metaInfoDef: { tags: ['serve'], tensorflowVersion: WRITTEN_FOR },
        signatureDef: signatures,
      })
      const graph = [...pieces, piece(toBinary(GraphDefSchema, behindNodes))]
      const metaGraph = [
        piece(toBinary(MetaGraphDefSchema, info)),
        ...lengthDelimited(FIELD.metaGraphGraph, graph),
      ]
      const model = create(SavedModelSchema, { savedModelSchemaVersion: 1n })
      return [
        piece(toBinary(SavedModelSchema, model)),
        ...lengthDelimited(FIELD.savedModelMetaGraphs, metaGraph),
      ]
    },
  }
}

/** A `Const` node around values that stay where they are. */
function frameTensor(name: string, dims: Dims, read: () => Float32Array): Piece[] {
  const node = create(NodeDefSchema, { name, op: 'Const', attr: { dtype: attr.type('float') } })
  const shape = create(TensorProtoSchema, {
    dtype: DATA_TYPES.float,
    tensorShape: shapeOf(dims),
  })
  const content: Piece = {
    sizeBytes: elementCount(dims) * Float32Array.BYTES_PER_ELEMENT,
    read: () => {
      const { buffer, byteOffset, byteLength } = read()
      return new Uint8Array(buffer, byteOffset, byteLength)
    },
  }
  const tensor = [
    piece(toBinary(TensorProtoSchema, shape)),
    ...lengthDelimited(FIELD.tensorContent, [content]),
  ]
  const entry = [
    ...lengthDelimited(FIELD.mapKey, [piece(bytesOf('value'))]),
    ...lengthDelimited(FIELD.mapValue, lengthDelimited(FIELD.attrTensor, tensor)),
  ]
  return lengthDelimited(FIELD.graphNode, [
    piece(toBinary(NodeDefSchema, node)),
    ...lengthDelimited(FIELD.nodeAttr, entry),
  ])
}

function createNodes(
  names: Names,
  add: (node: NodeDef) => void,
  outputs: {
    first(node: string, op: string): Value
    other(node: string, name: string, place: number): Value
  },
): TensorflowNodes {
  const node: TensorflowNodes['node'] = (
    op,
    inputs,
    attributes = {},
    wanted = op.toLowerCase(),
  ) => {
    const name = names.take(wanted)
    add(create(NodeDefSchema, { name, op, input: [...inputs], attr: { ...attributes } }))
    return outputs.first(name, op)
  }
  const constant = (type: DataType, tensor: MessageInitShape<typeof TensorProtoSchema>) =>
    node('Const', [], {
      dtype: attr.type(type),
      value: attribute({ case: 'tensor', value: { dtype: DATA_TYPES[type], ...tensor } }),
    })
  return {
    node,
    output: (value, name, place) => outputs.other(value.replace(/:.*/, ''), name, place),
    numbers: (type, values, dims = []) =>
      constant(type, {
        tensorShape: shapeOf(dims),
        ...(type === 'float' ? { floatVal: [...values] } : { intVal: [...values] }),
      }),
    texts: (values, dims = []) =>
      constant('string', { tensorShape: shapeOf(dims), stringVal: values.map(bytesOf) }),
  }
}

interface Names {
  /** Gives a name that no other node has, as close to the wanted one as TensorFlow allows. */
  take(wanted: string): string
}

function createNames(): Names {
  const taken = new Map<string, number>()
  return {
    take(wanted) {
      const allowed = wanted.replace(/[^A-Za-z0-9_./-]/g, '_').replace(/^(?![A-Za-z0-9.])/, '.')
      const count = taken.get(allowed) ?? 0
      taken.set(allowed, count + 1)
      return count === 0 ? allowed : this.take(`${allowed}_${count}`)
    },
  }
}

function firstOutput(op: string): string {
  const name = FIRST_OUTPUTS[op]
  if (name !== undefined) return name
  throw new RangeError(`Expected an operator whose first output has a known name, received ${op}`)
}

const tensorInfos = (tensors: Signature['inputs']) =>
  Object.fromEntries(
    Object.entries(tensors).map(([key, { value, type, dims }]) => [
      key,
      {
        name: value.includes(':') ? value : `${value}:0`,
        dtype: DATA_TYPES[type],
        tensorShape: shapeOf(dims),
      },
    ]),
  )
