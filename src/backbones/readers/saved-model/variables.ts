/** Which tensor of a checkpoint each variable of a graph is restored from, as the graph itself says. */
import { fromBinary } from '@bufbuild/protobuf'
import {
  type MetaGraphDef,
  type NodeDef,
  type SavedObjectGraph,
  type TrackableObjectGraph,
  TrackableObjectGraphSchema,
} from '../../../tensor/generated/tensorflow_pb.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type Budget, type Constant, decodeTensor } from './constant.ts'
import { attribute, dataInputs, type Graph, type Nodes } from './graph.ts'

interface Stored {
  readonly name: string
  readonly slice: string
}

/**
 * Gives variables by the node that makes them. Those of TensorFlow 1 are restored by nodes of the main graph; those of
 * TensorFlow 2 are objects that functions are bound to, or are restored inside the function that the saver names.
 * Throws `model_invalid` where one is stored nowhere.
 */
export function createVariableLoader(
  { saverDef, objectGraphDef }: MetaGraphDef,
  graph: Graph,
  checkpoint: Checkpoint | undefined,
  budget: Budget,
): (name: string) => Constant {
  let places: ReadonlyMap<string, Stored> | undefined
  const loaded = new Map<string, Constant>()
  return (name) => {
    const known = loaded.get(name)
    if (known !== undefined) return known
    if (checkpoint === undefined) {
      throw invalidModel(
        `Expected variables/variables.index beside the graph for the variable ${name}, found none`,
      )
    }
    places ??= new Map([
      ...findRestored(graph.nodes, budget),
      ...findInFunction(graph, saverDef?.restoreOpName ?? '', budget),
      ...findObjects(objectGraphDef, graph, checkpoint),
    ])
    // A graph without a saver has its variables under their own names.
    const { name: key, slice } = places.get(name) ?? { name, slice: '' }
    const tensor = checkpoint.read(key, slice)
    loaded.set(name, tensor)
    return tensor
  }
}

/** Assignments of restored tensors, by the node or parameter that is assigned to. */
function findRestored(nodes: Nodes, budget: Budget): Map<string, Stored> {
  const places = new Map<string, Stored>()
  const tables = new Map<string, Stored[]>()
  for (const node of nodes.values()) {
    if (node.op !== 'Assign' && node.op !== 'AssignVariableOp') continue
    const [target, value] = dataInputs(node)
    let source = value
    for (let steps = 0; steps < 4 && source !== undefined; steps++) {
      const giver = nodes.get(source.node)
      if (giver?.op !== 'Identity') break
      source = dataInputs(giver)[0]
    }
    const restore = source === undefined ? undefined : nodes.get(source.node)
    if (target === undefined || restore?.op !== 'RestoreV2') continue
    const table = tables.get(restore.name) ?? readTable(restore, nodes, budget)
    tables.set(restore.name, table)
    const stored = table[source?.index ?? 0]
    if (stored !== undefined) places.set(target.node, stored)
  }
  return places
}

/** Names and slices that `RestoreV2` reads, in the order of its outputs. */
function readTable(restore: NodeDef, nodes: Nodes, budget: Budget): Stored[] {
  const [names = [], slices = []] = dataInputs(restore)
    .slice(1, 3)
    .map(({ node }) => {
      const found = nodes.get(node)
      const tensor = found === undefined ? undefined : attribute(found, 'value', 'tensor')
      if (tensor === undefined) return []
      const value = decodeTensor(tensor, node, budget)
      return value.kind === 'texts' ? value.values.map((text) => Buffer.from(text).toString()) : []
    })
  return names.map((name, at) => ({ name, slice: slices[at] ?? '' }))
}

function findInFunction(graph: Graph, restoreName: string, budget: Budget): Map<string, Stored> {
  const caller = graph.nodes.get(restoreName.replace(/:\d+$/, ''))
  const name = caller === undefined ? undefined : attribute(caller, 'f', 'func')?.name
  const called = name === undefined ? undefined : graph.functions.get(name)
  if (caller === undefined || called === undefined) return new Map()
  const given = dataInputs(caller)
  const places = [...findRestored(called.nodes, budget)].flatMap(([parameter, stored]) => {
    const variable = given[called.parameters.indexOf(parameter)]?.node
    return variable === undefined ? [] : [[variable, stored] as const]
  })
  return new Map(places)
}

/** Where a checkpoint keeps how its objects hang together. */
const OBJECTS_KEY = '_CHECKPOINTABLE_OBJECT_GRAPH'

/**
 * Variables that functions are bound to, as TensorFlow 2 restores them: the object that is reached by the same names in
 * the graph and in the checkpoint.
 */
function findObjects(
  objects: SavedObjectGraph | undefined,
  graph: Graph,
  checkpoint: Checkpoint,
): Map<string, Stored> {
  if (objects === undefined || !checkpoint.has(OBJECTS_KEY)) return new Map()
  const keys = findKeys(objects, readObjects(checkpoint))
  const places = new Map<string, Stored>()
  for (const node of graph.nodes.values()) {
    const called = attribute(node, 'f', 'func')?.name ?? ''
    const bound = Object.hasOwn(objects.concreteFunctions, called)
      ? (objects.concreteFunctions[called]?.boundInputs ?? [])
      : []
    const given = dataInputs(node).slice(-bound.length)
    for (const [at, object] of bound.entries()) {
      const [variable, key] = [given[at]?.node, keys.get(object)]
      if (variable !== undefined && key !== undefined)
        places.set(variable, { name: key, slice: '' })
    }
  }
  return places
}

function readObjects(checkpoint: Checkpoint): TrackableObjectGraph {
  const bytes = checkpoint.readText(OBJECTS_KEY)
  try {
    return fromBinary(TrackableObjectGraphSchema, bytes)
  } catch (cause) {
    throw invalidModel('Expected the objects of a checkpoint, received bytes that are none', cause)
  }
}

/** The keys of the variables in the checkpoint, by their number in the graph. */
function findKeys(saved: SavedObjectGraph, stored: TrackableObjectGraph): Map<number, string> {
  const keys = new Map<number, string>()
  const waiting: (readonly [number, number])[] = [[0, 0]]
  const seen = new Set<number>()
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const [savedNode, storedNode] = [saved.nodes[pair[0]], stored.nodes[pair[1]]]
    if (savedNode === undefined || storedNode === undefined || seen.has(pair[0])) continue
    seen.add(pair[0])
    const [value] = storedNode.attributes
    if (savedNode.kind.case === 'variable' && value !== undefined) {
      keys.set(pair[0], value.checkpointKey)
    }
    const children = new Map(storedNode.children.map((child) => [child.localName, child.nodeId]))
    for (const { localName, nodeId } of savedNode.children) {
      const other = children.get(localName)
      if (other !== undefined) waiting.push([nodeId, other])
    }
  }
  return keys
}
