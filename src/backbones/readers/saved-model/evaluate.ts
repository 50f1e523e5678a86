/** Walks a graph from what is asked for to its inputs, and gives each node to the operator that knows it. */
import { VergerError } from '../../../core/errors.ts'
import type { NodeDef } from '../../../tensor/generated/tensorflow_pb.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { dataInputs, type Graph, type Nodes, type Reference, requireNode } from './graph.ts'
import type { Value } from './value.ts'

/** A node with the values that it reads. */
export interface Call {
  readonly node: NodeDef
  /** The node's place in words, for messages. */
  readonly place: string
  readonly inputs: readonly Value[]
  /** The nodes of the same graph or function. */
  readonly nodes: Nodes
  /** Evaluates a function of the graph. */
  run(functionName: string, inputs: readonly Value[]): Value[]
  /** Whether a function gives its input of this number back as the output of the same number. */
  unchanged(functionName: string, at: number): boolean
}

/** Gives the outputs of a node. Throws a VergerError where it cannot. */
export type Operator = (call: Call) => Value | readonly Value[]

interface Frame {
  readonly nodes: Nodes
  readonly parameters: ReadonlyMap<string, Value>
  readonly results: Map<string, readonly Value[]>
  /** Names of the functions that are being evaluated, the outermost first. */
  readonly functions: readonly string[]
}

const MAX_DEPTH = 64
/** Of the largest known classifiers, all functions unrolled, some ten thousand. */
const MAX_NODES = 300_000

export class Evaluator {
  readonly #graph: Graph
  readonly #operator: Operator
  readonly #main: Frame
  #count = 0

  /** `given`: values of nodes that are not evaluated, by name. */
  constructor(graph: Graph, operator: Operator, given: ReadonlyMap<string, Value>) {
    this.#graph = graph
    this.#operator = operator
    this.#main = { nodes: graph.nodes, parameters: given, results: new Map(), functions: [] }
  }

  /** The value of a tensor of the main graph. */
  evaluate(reference: Reference): Value {
    return this.#evaluate(this.#main, reference)
  }

  #evaluate(frame: Frame, target: Reference): Value {
    const waiting: { node: NodeDef; sources: readonly Reference[]; next: number }[] = []
    const open = new Set<string>()
    const visit = (name: string, reader: string) => {
      if (frame.parameters.has(name) || frame.results.has(name)) return
      if (open.has(name)) {
        throw invalidModel(`Expected a graph without cycles, found one through the node ${name}`)
      }
      const node = requireNode(frame.nodes, name, reader)
      open.add(name)
      waiting.push({ node, sources: sourcesOf(node, frame.nodes), next: 0 })
    }
    visit(target.node, 'an output')
    for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
      const source = top.sources[top.next++]
      if (source !== undefined) {
        visit(source.node, top.node.name)
        continue
      }
      frame.results.set(top.node.name, this.#apply(frame, top.node, top.sources))
      open.delete(top.node.name)
      waiting.pop()
    }
    return read(frame, target)
  }

  #apply(frame: Frame, node: NodeDef, sources: readonly Reference[]): readonly Value[] {
    if (++this.#count > MAX_NODES) {
      throw unsupportedModel(`Expected at most ${MAX_NODES} nodes to follow, received more`)
    }
    const within = frame.functions.at(-1)
    const place = `${node.op} '${node.name}'${within === undefined ? '' : ` in ${within}`}`
    const inputs = sources.map((source) => read(frame, source))
    if (node.op !== 'Merge') {
      const bad =
        inputs.find(({ kind }) => kind === 'dead') ?? inputs.find(({ kind }) => kind === 'refused')
      if (bad !== undefined) return [bad]
    }
    try {
      const run = (name: string, values: readonly Value[]) => this.#run(frame, name, values)
      const unchanged = (name: string, at: number) => this.#isUnchanged(name, at)
      const result = this.#operator({ node, place, inputs, nodes: frame.nodes, run, unchanged })
      return 'kind' in result ? [result] : result
    } catch (error) {
      // A part that the classifier does not need may be anything.
      if (error instanceof VergerError) return [{ kind: 'refused', error }]
      throw error
    }
  }

  #isUnchanged(name: string, at: number): boolean {
    const called = this.#graph.functions.get(name)
    let source = called?.results[at]?.node
    for (let steps = 0; steps < MAX_DEPTH && source !== undefined; steps++) {
      if (source === called?.parameters[at]) return true
      const node = called?.nodes.get(source)
      source = node?.op === 'Identity' ? dataInputs(node)[0]?.node : undefined
    }
    return false
  }

  #run(caller: Frame, name: string, inputs: readonly Value[]): Value[] {
    const called = this.#graph.functions.get(name)
    if (called === undefined) throw invalidModel(`Expected the function ${name}, found none`)
    if (caller.functions.includes(name) || caller.functions.length >= MAX_DEPTH) {
      throw invalidModel(`Expected functions that end, found ${name}, which calls itself`)
    }
    if (inputs.length !== called.parameters.length) {
      throw invalidModel(
        `Expected ${called.parameters.length} arguments for ${name}, received ${inputs.length}`,
      )
    }
    const frame: Frame = {
      nodes: called.nodes,
      parameters: new Map(called.parameters.map((parameter, at) => [parameter, inputs[at]!])),
      results: new Map(),
      functions: [...caller.functions, name],
    }
    return called.results.map((result) => this.#evaluate(frame, result))
  }
}

function read(frame: Frame, { node, output, index }: Reference): Value {
  const given = frame.parameters.get(node)
  if (given !== undefined) return given
  const values = frame.results.get(node)!
  const [only] = values
  // One value that is no output in particular: the node has none, or one that is of use.
  if (values.length === 1 && (only?.kind === 'dead' || only?.kind === 'refused')) return only
  const { op } = requireNode(frame.nodes, node, 'a tensor')
  const value = values[outputIndex(op, output, index)]
  if (value !== undefined) return value
  const error = unsupportedModel(
    `Expected one of ${values.length} outputs of ${op} '${node}', received the number ${index}`,
  )
  return { kind: 'refused', error }
}

/** Operators with several named outputs, in their order; elsewhere one name covers all outputs. */
const OUTPUT_NAMES: Readonly<Record<string, readonly string[]>> = {
  TensorArrayV3: ['handle', 'flow'],
  TopKV2: ['values', 'indices'],
  Switch: ['output_false', 'output_true'],
  Merge: ['output', 'value_index'],
  FusedBatchNorm: ['y', 'batch_mean'],
  FusedBatchNormV2: ['y', 'batch_mean'],
  FusedBatchNormV3: ['y', 'batch_mean'],
}

function outputIndex(op: string, output: string | undefined, index: number): number {
  const names = Object.hasOwn(OUTPUT_NAMES, op) ? OUTPUT_NAMES[op] : undefined
  return output === undefined || names === undefined ? index : Math.max(names.indexOf(output), 0)
}

/**
 * What a node's value depends on. A loop is followed once: where it begins, its value is the one that enters, and where
 * it ends, the one that the body gives back.
 */
function sourcesOf(node: NodeDef, nodes: Nodes): Reference[] {
  const sources = dataInputs(node)
  if (node.op === 'Merge' || node.op === 'RefMerge') {
    const entering = sources.filter((source) => !isNextIteration(nodes, source))
    return entering.length === 0 ? sources : entering
  }
  if (node.op !== 'Exit' && node.op !== 'RefExit') return sources
  const [leaving] = sources
  const turn = leaving === undefined ? undefined : nodes.get(leaving.node)
  const [carried] = turn === undefined ? [] : dataInputs(turn)
  const merge = carried === undefined ? undefined : nodes.get(carried.node)
  const next =
    merge === undefined
      ? undefined
      : dataInputs(merge).find((source) => isNextIteration(nodes, source))
  if (next === undefined) return sources
  return dataInputs(requireNode(nodes, next.node, node.name))
}

/** Whether a `Merge` begins a loop. */
export const beginsLoop = (node: NodeDef, nodes: Nodes): boolean =>
  dataInputs(node).some((source) => isNextIteration(nodes, source))

const isNextIteration = (nodes: Nodes, { node }: Reference): boolean =>
  ['NextIteration', 'RefNextIteration'].includes(nodes.get(node)?.op ?? '')
