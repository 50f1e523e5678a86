import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { type SavedModel, SavedModelSchema } from './generated/tensorflow_pb.ts'
import { totalBytes } from './protobuf-pieces.ts'
import { attr, createTensorflowGraph, type TensorflowGraph } from './tensorflow-graph.ts'
import { DATA_TYPES } from './tensorflow-types.ts'

/** What a reader of protobuf finds in the pieces, one after another. */
function decode(graph: TensorflowGraph): SavedModel {
  const pieces = graph.encode()
  const bytes = Buffer.concat(pieces.map((part) => part.read()))
  expect(bytes).toHaveLength(totalBytes(pieces))
  return fromBinary(SavedModelSchema, bytes)
}
const nodesOf = ({ metaGraphs: [first] }: SavedModel) => first?.graphDef?.node ?? []

describe('createTensorflowGraph', () => {
  it('frames nodes, constants, functions and signatures as a SavedModel that serves', () => {
    const graph = createTensorflowGraph()
    const photo = graph.placeholder('photo', 'string', [-1])
    const weight = graph.tensor('stem/kernel', [2, 1], () => Float32Array.of(0.5, -1))
    graph.addFunction('first', { name: 'bytes', type: 'string' }, ['string'], (nodes, bytes) => [
      nodes.node('Substr', [bytes, nodes.numbers('int32', [0]), nodes.numbers('int32', [4])]),
    ])
    const signature = {
      inputs: { photo: { value: photo, type: 'string', dims: [-1] } },
      outputs: { weight: { value: weight, type: 'float', dims: [2, 1] } },
    } as const
    graph.addSignature('serving_default', signature)

    const model = decode(graph)
    const [meta] = model.metaGraphs
    expect(meta?.metaInfoDef?.tags).toEqual(['serve'])
    expect(nodesOf(model).map(({ name, op }) => `${name} ${op}`)).toEqual([
      'photo Placeholder',
      'stem/kernel Const',
    ])
    const value = nodesOf(model)[1]?.attr['value']?.value
    if (value?.case !== 'tensor') throw new Error('Expected a tensor')
    expect(value.value.dtype).toBe(DATA_TYPES.float)
    expect(value.value.tensorShape?.dim.map(({ size }) => size)).toEqual([2n, 1n])
    const bytes = Uint8Array.from(value.value.tensorContent)
    expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.of(0.5, -1))
    const [first] = meta?.graphDef?.library?.function ?? []
    expect(first?.nodeDef.at(-1)?.input).toEqual(['bytes', 'const:output:0', 'const_1:output:0'])
    expect(first?.ret).toEqual({ result_0: 'substr:output:0' })
    const { inputs, outputs } = meta?.signatureDef['serving_default'] ?? {}
    expect(inputs?.['photo']?.name).toBe('photo:0')
    expect(outputs?.['weight']?.name).toBe('stem/kernel:0')
  })

  it('gives each node a name of its own that TensorFlow takes', () => {
    const graph = createTensorflowGraph()
    for (const name of ['a', 'a', 'a_1', 'größe/kernel', '^/x', '']) graph.tensor(name, [0], empty)
    const given = ['a', 'a', 'conv', 'conv'].map((name) => graph.node('NoOp', [], {}, name))
    const names = nodesOf(decode(graph)).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(given.every((name) => names.includes(name))).toBe(true)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/)
  })

  it('adds a tensor once, whoever asks for it', () => {
    const graph = createTensorflowGraph()
    expect(graph.tensor('kernel', [0], empty)).toBe(graph.tensor('kernel', [0], empty))
    expect(nodesOf(decode(graph))).toHaveLength(1)
  })

  it('names outputs behind the first', () => {
    const graph = createTensorflowGraph()
    const best = graph.node('TopKV2', [], { sorted: attr.bool(true) }, 'best')
    expect(graph.output(best, 'indices', 1)).toBe('best:1')
  })

  it('refuses more than 2 GiB before it reads a weight', () => {
    const graph = createTensorflowGraph()
    const read = () => {
      throw new Error('Expected nothing to be read')
    }
    graph.tensor('half', [2 ** 28], read)
    expect(totalBytes(graph.encode())).toBeGreaterThan(2 ** 30)
    graph.tensor('other-half', [2 ** 28], read)
    expect(() => graph.encode()).toThrow(VergerError)
    expect(() => graph.encode()).toThrow('Expected a graph below 2 GiB, received one of 2147483')
  })
})

const empty = () => new Float32Array()
