/** Reads the nodes of an ONNX graph one after the other into a draft of a network. */
import type { GraphProto, NodeProto, TensorProto } from '../../../tensor/generated/onnx_pb.ts'
import { INPUT, type LayerId } from '../../../tensor/network.ts'
import type { Shape } from '../../../tensor/network-shapes.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import type { NetworkDraft } from '../foreign/network-draft.ts'
import { type Constant, decodeConstant, type ReadExternal } from './constant.ts'
import { foldConstants } from './fold-constants.ts'
import type { GraphValue, LayerValue } from './graph-value.ts'
import { OnnxNode } from './onnx-node.ts'
import { OPERATORS } from './operators.ts'

/** Numbers that constants computed from others may hold together: 256 MiB of float32. */
const MAX_FOLDED = 2 ** 26

export interface GraphStart {
  readonly draft: NetworkDraft
  /** The value that stands for the network's input. */
  readonly input: string
  readonly channelsLast: boolean
  /** Undefined where the number of photos is free. */
  readonly batch: number | undefined
  readonly opset: number
  readonly readExternal: ReadExternal
}

/** What operators ask for while a node is read. */
export interface NodeReader {
  readonly draft: NetworkDraft
  readonly node: OnnxNode
  /** Whether the result of the node is one of the graph. */
  readonly isOutput: boolean
  readonly batch: number | undefined
  /** The value of an input that comes from the photo. Throws `model_unsupported` where it is a constant. */
  value(at: number): GraphValue
  /** The same where it is the result of a layer. */
  layer(at: number): LayerValue
  shapeOf(id: LayerId): Shape
  /** Whether an input is a constant. */
  isConstant(at: number): boolean
}

/**
 * Reads the nodes until `output` is there. Throws `model_unsupported` naming the first node that cannot be read, or
 * `model_invalid` naming the first that is broken.
 */
export function readNodes(graph: GraphProto, start: GraphStart, output: string): LayerId {
  const { draft, opset, readExternal } = start
  const initializers = new Map<string, TensorProto>()
  for (const tensor of graph.initializer) initializers.set(tensor.name, tensor)
  const constants = new Map<string, Constant>()
  const values = new Map<string, GraphValue>([
    [start.input, { kind: 'layer', id: INPUT, channelsLast: start.channelsLast }],
  ])
  let folded = 0

  const constantOf = (name: string): Constant | undefined => {
    const known = constants.get(name)
    const tensor = initializers.get(name)
    if (known !== undefined || tensor === undefined) return known
    const constant = decodeConstant(tensor, readExternal)
    constants.set(name, constant)
    return constant
  }
  const keepFolded = (name: string, constant: Constant): void => {
    folded += constant.data.length
    if (folded > MAX_FOLDED) {
      throw unsupportedModel(`Expected constants of at most ${MAX_FOLDED} numbers, received more`)
    }
    constants.set(name, constant)
  }
  const isConstantName = (name: string): boolean => constants.has(name) || initializers.has(name)

  const needed = findNeeded(graph, start.input, output)
  for (const [index, proto] of graph.node.entries()) {
    const [result] = proto.output
    if (result === undefined || !needed.has(proto)) continue
    const node = new OnnxNode(proto, index, opset, constantOf)
    const given = node.inputs.filter((name) => name !== '')
    const missing = given.find((name) => !values.has(name) && !isConstantName(name))
    if (missing !== undefined) {
      throw node.unsupported(`the input ${missing}, which no node before it gives`)
    }
    if (given.every(isConstantName)) {
      const constant = constantResult(node, readExternal, given, constantOf)
      keepFolded(result, constant)
      continue
    }
    if (node.op === 'Shape') {
      keepFolded(result, shapeOf(node, values.get(node.inputs[0]!), start))
      continue
    }
    const reader: NodeReader = {
      draft,
      node,
      isOutput: result === output,
      batch: start.batch,
      shapeOf: (id) => draft.shape(id),
      isConstant: (at) => node.isGiven(at) && !values.has(node.inputs[at]!),
      value(at) {
        const value = values.get(node.inputs[at] ?? '')
        if (value === undefined) throw node.unsupported(`a constant as input ${at}`)
        return value
      },
      layer(at) {
        const value = reader.value(at)
        if (value.kind !== 'layer') throw node.unsupported('a part of something larger as input')
        return value
      },
    }
    const read = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined
    if (read === undefined) {
      throw unsupportedModel(`${node.place}: this operator is not one of those that Verger reads`)
    }
    values.set(result, read(reader))
  }
  const value = values.get(output)
  if (value === undefined) throw invalidModel(`No node gives the output ${output} of the graph`)
  if (value.kind !== 'layer') {
    throw unsupportedModel(`The output ${output} of the graph is a part of something larger`)
  }
  return value.id
}

/** The nodes that the output comes from, as far back as the input. */
function findNeeded(graph: GraphProto, input: string, output: string): ReadonlySet<NodeProto> {
  const makers = new Map<string, NodeProto>()
  for (const node of graph.node) for (const name of node.output) makers.set(name, node)
  const needed = new Set<NodeProto>()
  const asked = [output]
  for (let name = asked.pop(); name !== undefined; name = asked.pop()) {
    const maker = name === input ? undefined : makers.get(name)
    if (maker === undefined || needed.has(maker)) continue
    needed.add(maker)
    for (const from of maker.input) asked.push(from)
  }
  return needed
}

function constantResult(
  node: OnnxNode,
  readExternal: ReadExternal,
  names: readonly string[],
  constantOf: (name: string) => Constant | undefined,
): Constant {
  if (node.op === 'Constant') return readConstantNode(node, readExternal)
  const inputs = names.map((name) => constantOf(name)!)
  const constant = foldConstants(node, inputs)
  if (constant === undefined) throw node.unsupported('constants only as inputs')
  return constant
}

function readConstantNode(node: OnnxNode, readExternal: ReadExternal): Constant {
  const tensor = node.attribute('value')?.t
  if (tensor !== undefined) return decodeConstant(tensor, readExternal)
  if (node.has('value_float')) {
    return { dims: [], data: Float32Array.of(node.float('value_float', 0)) }
  }
  if (node.has('value_int')) {
    return { dims: [], data: Float64Array.of(node.integer('value_int', 0)) }
  }
  const floats = node.attribute('value_floats')?.floats
  if (floats !== undefined) return { dims: [floats.length], data: Float32Array.from(floats) }
  const ints = node.integers('value_ints')
  if (ints !== undefined) return { dims: [ints.length], data: Float64Array.from(ints) }
  throw node.unsupported('a value that is no tensor of numbers')
}

/** The shape of a result as a constant; NaN where the number of photos is free. */
function shapeOf(node: OnnxNode, value: GraphValue | undefined, start: GraphStart): Constant {
  if (value?.kind !== 'layer') throw node.unsupported('a part of something larger as input')
  const { channels, height, width } = start.draft.shape(value.id)
  const sizes =
    height === undefined || width === undefined
      ? [channels]
      : value.channelsLast
        ? [height, width, channels]
        : [channels, height, width]
  const all = [start.batch ?? Number.NaN, ...sizes]
  const rank = all.length
  const at = (place: number): number =>
    Math.min(Math.max(place < 0 ? place + rank : place, 0), rank)
  const data = all.slice(at(node.integer('start', 0)), at(node.integer('end', rank)))
  return { dims: [data.length], data: Float64Array.from(data) }
}
