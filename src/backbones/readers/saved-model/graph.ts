/** The nodes of a graph or function by name, and how they refer to each other. */
import type { AttrValue, GraphDef, NodeDef } from '../../../tensor/generated/tensorflow_pb.ts'
import { invalidModel } from '../foreign/model-errors.ts'

/** One output of a node. */
export interface Reference {
  readonly node: string
  /** Name of the output inside a function, where it is given. */
  readonly output?: string
  readonly index: number
}

export type Nodes = ReadonlyMap<string, NodeDef>

export interface GraphFunction {
  readonly name: string
  readonly nodes: Nodes
  readonly parameters: readonly string[]
  /** In the order of the outputs. */
  readonly results: readonly Reference[]
}

export interface Graph {
  readonly nodes: Nodes
  readonly functions: ReadonlyMap<string, GraphFunction>
}

/** Indexes a graph. Throws `model_invalid` where two nodes have one name. */
export function indexGraph({ node, library }: GraphDef): Graph {
  const functions = new Map<string, GraphFunction>()
  for (const { signature, nodeDef, ret } of library?.function ?? []) {
    const name = signature?.name ?? ''
    functions.set(name, {
      name,
      nodes: indexNodes(nodeDef),
      parameters: (signature?.inputArg ?? []).map((argument) => argument.name),
      results: (signature?.outputArg ?? []).map((argument) => {
        const result = Object.hasOwn(ret, argument.name) ? ret[argument.name] : undefined
        if (result !== undefined) return parseReference(result)
        throw invalidModel(
          `Expected the output ${argument.name} of the function ${name}, found none`,
        )
      }),
    })
  }
  return { nodes: indexNodes(node), functions }
}

function indexNodes(list: readonly NodeDef[]): Nodes {
  const nodes = new Map<string, NodeDef>()
  for (const node of list) {
    if (nodes.has(node.name)) throw invalidModel(`Expected one node ${node.name}, found two`)
    nodes.set(node.name, node)
  }
  return nodes
}

/** `node`, `node:1`, or inside a function `node:output:1`. */
export function parseReference(text: string): Reference {
  const [node = '', ...rest] = text.split(':')
  const index = rest.length === 0 ? 0 : Number(rest.at(-1))
  if (node === '' || rest.length > 2 || !Number.isSafeInteger(index) || index < 0) {
    throw invalidModel(`Expected the name of a tensor, received '${text}'`)
  }
  return { node, index, ...(rest.length === 2 ? { output: rest[0] as string } : {}) }
}

/** The tensors that a node reads; that it runs after others does not matter here. */
export const dataInputs = ({ input }: NodeDef): Reference[] =>
  input.filter((name) => !name.startsWith('^')).map(parseReference)

/** A node that is there. Throws `model_invalid` naming the one that refers to it. */
export function requireNode(nodes: Nodes, name: string, reader: string): NodeDef {
  const node = nodes.get(name)
  if (node !== undefined) return node
  throw invalidModel(`Expected the node ${name}, which ${reader} reads, found none`)
}

type AttributeValues = {
  [Case in NonNullable<AttrValue['value']['case']>]: Extract<
    AttrValue['value'],
    { case: Case }
  >['value']
}

/** The attribute of a node if it is there and of this kind. */
export function attribute<Case extends keyof AttributeValues>(
  { attr }: NodeDef,
  name: string,
  kind: Case,
): AttributeValues[Case] | undefined {
  const found = Object.hasOwn(attr, name) ? attr[name]?.value : undefined
  return found?.case === kind ? (found.value as AttributeValues[Case]) : undefined
}

/** A text attribute. */
export function textAttribute(node: NodeDef, name: string, fallback: string): string {
  const bytes = attribute(node, name, 's')
  return bytes === undefined ? fallback : Buffer.from(bytes).toString()
}

/** A list of whole numbers. */
export const listAttribute = (node: NodeDef, name: string): number[] =>
  (attribute(node, name, 'list')?.i ?? []).map(Number)
