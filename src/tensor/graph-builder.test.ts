import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { ModelProtoSchema } from './generated/onnx_pb.ts'
import { createGraphBuilder, float } from './graph-builder.ts'

function encodeScaler(factor: number): Uint8Array {
  const graph = createGraphBuilder('scaler')
  const x = graph.input('x', 'float32', ['n', 3])
  const by = graph.constant('factor', Float32Array.of(factor), [])
  const scaled = graph.node('Mul', [x, by])
  const leaky = graph.node('LeakyRelu', [scaled], { alpha: float(0.25) })
  const flat = graph.node('Reshape', [leaky, graph.constant('shape', BigInt64Array.of(-1n), [1])], {
    allowzero: 1,
  })
  graph.output('y', flat, 'float32', ['m'])
  return graph.encode({ source: 'a test', licence: 'none' })
}

describe('createGraphBuilder', () => {
  it('gives the same bytes for the same calls', () => {
    expect(encodeScaler(2)).toEqual(encodeScaler(2))
    expect(encodeScaler(2)).not.toEqual(encodeScaler(3))
  })

  it('encodes inputs, constants, nodes, outputs and metadata', () => {
    const { graph, opsetImport, metadataProps } = fromBinary(ModelProtoSchema, encodeScaler(2))
    expect(opsetImport).toMatchObject([{ domain: '', version: 18n }])
    expect(graph?.name).toBe('scaler')
    expect(graph?.node.map(({ opType }) => opType)).toEqual([
      'Mul',
      'LeakyRelu',
      'Reshape',
      'Identity',
    ])
    expect(graph?.node[1]?.attribute).toMatchObject([{ name: 'alpha', type: 1, f: 0.25 }])
    expect(graph?.node[2]?.attribute).toMatchObject([{ name: 'allowzero', type: 2, i: 1n }])
    expect(graph?.input.map(({ name }) => name)).toEqual(['x'])
    expect(graph?.output.map(({ name }) => name)).toEqual(['y'])
    expect(graph?.initializer).toMatchObject([
      { name: 'factor', dims: [], dataType: 1 },
      { name: 'shape', dims: [1n], dataType: 7 },
    ])
    expect(metadataProps).toMatchObject([{ key: 'source' }, { key: 'licence' }])
  })

  it('feeds each node from the one before', () => {
    const nodes = fromBinary(ModelProtoSchema, encodeScaler(2)).graph?.node ?? []
    const made = new Set(['x', 'factor', 'shape'])
    for (const { input, output } of nodes) {
      for (const name of input) expect(made).toContain(name)
      for (const name of output) made.add(name)
    }
  })

  it('gives bytes that a later change of a constant does not reach', () => {
    const data = Float32Array.of(1, 2)
    const graph = createGraphBuilder('copy')
    graph.constant('c', data, [2])
    const encoded = graph.encode()
    const before = encoded.slice()
    data[0] = 9
    expect(encoded).toEqual(before)
  })

  it.each([
    ['too few values', Float32Array.of(1, 2, 3), [2, 2]],
    ['too many values', Float32Array.of(1, 2, 3, 4, 5), [2, 2]],
    ['no value for a scalar', new Float32Array(), []],
    ['whole numbers too few', BigInt64Array.of(1n), [2]],
  ])('refuses a constant with %s', (_words, data, dims) => {
    const graph = createGraphBuilder('wrong')
    expect(() => graph.constant('kernel', data, dims)).toThrow(
      new RangeError(`Constant kernel: ${data.length} values do not fill [${dims}]`),
    )
  })
})
