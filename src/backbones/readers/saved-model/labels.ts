/** Names of classes that a SavedModel brings along. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { MetaGraphDef, SignatureDef } from '../../../tensor/generated/tensorflow_pb.ts'
import { Budget, decodeTensor } from './constant.ts'
import {
  attribute,
  dataInputs,
  type Graph,
  type GraphFunction,
  type Nodes,
  parseReference,
} from './graph.ts'

const LABEL_OUTPUTS = ['labels', 'classes', 'class_names']
/** Names of a thousand classes are some ten thousand bytes. */
const MAX_ASSET_BYTES = 4 * 1024 * 1024

/**
 * The names that the graph gives beside its scores, if they are constants of it, or an asset with a name on each of `count`
 * lines; nothing where there are none.
 */
export function findLabels(source: {
  readonly folder: string
  readonly meta: MetaGraphDef
  readonly graph: Graph
  readonly signature: SignatureDef
  readonly count: number
}): readonly string[] | undefined {
  return findInGraph(source) ?? findInAssets(source)
}

function findInGraph({
  graph,
  signature,
  count,
}: {
  readonly graph: Graph
  readonly signature: SignatureDef
  readonly count: number
}): readonly string[] | undefined {
  for (const name of LABEL_OUTPUTS) {
    const info = Object.hasOwn(signature.outputs, name) ? signature.outputs[name] : undefined
    if (info === undefined) continue
    const found = findTexts(graph, graph.nodes, parseReference(info.name).node, count)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first list of `count` texts that a node is made of, through the functions that it calls. */
function findTexts(graph: Graph, nodes: Nodes, start: string, count: number): string[] | undefined {
  const entered = new Set<GraphFunction>()
  const waiting: { nodes: Nodes; name: string }[] = [{ nodes, name: start }]
  const seen = new Map<Nodes, Set<string>>()
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const known = seen.get(at.nodes) ?? new Set()
    seen.set(at.nodes, known)
    const node = at.nodes.get(at.name)
    if (node === undefined || known.has(at.name)) continue
    known.add(at.name)
    const tensor = node.op === 'Const' ? attribute(node, 'value', 'tensor') : undefined
    if (tensor !== undefined && tensor.stringVal.length === count && count > 1) {
      const value = decodeTensor(tensor, node.name, new Budget(count))
      if (value.kind === 'texts') return value.values.map((text) => Buffer.from(text).toString())
    }
    for (const { node: name } of dataInputs(node)) waiting.push({ nodes: at.nodes, name })
    const called = graph.functions.get(attribute(node, 'f', 'func')?.name ?? '')
    if (called !== undefined && !entered.has(called)) {
      entered.add(called)
      for (const { node: name } of called.results) waiting.push({ nodes: called.nodes, name })
    }
  }
  return undefined
}

function findInAssets({
  folder,
  meta,
  count,
}: {
  readonly folder: string
  readonly meta: MetaGraphDef
  readonly count: number
}): readonly string[] | undefined {
  for (const { filename } of meta.assetFileDef) {
    // A name alone: an asset lies in its folder and nowhere else.
    if (!/^[\w.-]+$/.test(filename) || filename.startsWith('.')) continue
    const path = join(folder, 'assets', filename)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() !== true || stats.size > MAX_ASSET_BYTES) continue
    const lines = readFileSync(path, 'utf8').trimEnd().split(/\r?\n/)
    if (lines.length === count && new Set(lines).size === count) return lines
  }
  return undefined
}
