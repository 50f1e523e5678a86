import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { emitNetwork } from './emit-onnx.ts'
import { ModelProtoSchema } from './generated/onnx_pb.ts'
import { createGraphBuilder } from './graph-builder.ts'
import { INPUT, type Network } from './network.ts'
import { loadComputation } from './session.ts'
import { elementCount, type FloatTensor, type Weights } from './tensor.ts'

/** Photo → convolution → ReLU6, added to itself → mean → two classes. */
const NETWORK: Network = {
  name: 'twig',
  input: { size: 8, mean: 0, divisor: 255 },
  layers: [
    {
      op: 'conv',
      name: 'stem',
      input: INPUT,
      filters: 4,
      kernelSize: 3,
      stride: 2,
      padding: 'same',
      groups: 1,
    },
    { op: 'relu6', input: 0 },
    {
      op: 'conv',
      name: 'depth',
      input: 1,
      filters: 4,
      kernelSize: 3,
      stride: 1,
      padding: 'same',
      groups: 4,
    },
    { op: 'add', inputs: [1, 2] },
    { op: 'global-average-pool', input: 3 },
    { op: 'dense', name: 'classifier', input: 4, units: 2 },
  ],
  outputs: { features: { layer: 4, width: 4 }, logits: { layer: 5, width: 2 } },
}

const SHAPES: Readonly<Record<string, number[]>> = {
  'stem/kernel': [4, 3, 3, 3],
  'stem/bias': [4],
  'depth/kernel': [4, 1, 3, 3],
  'depth/bias': [4],
  'classifier/kernel': [2, 4],
  'classifier/bias': [2],
}
const zeros = (dims: number[]): FloatTensor => ({
  dims,
  data: new Float32Array(elementCount(dims)),
})
const weightsOf = (shapes: Readonly<Record<string, number[]>>): Weights =>
  new Map(Object.entries(shapes).map(([name, dims]) => [name, zeros(dims)]))

function emit(weights: Weights) {
  const graph = createGraphBuilder(NETWORK.name)
  const input = graph.input('x', 'float32', ['n', 3, 8, 8])
  return { values: emitNetwork(graph, NETWORK, weights, input), graph }
}

describe('emitNetwork', () => {
  it('gives a node for each layer and a value for each output', () => {
    const { values, graph } = emit(weightsOf(SHAPES))
    expect(Object.keys(values)).toEqual(['features', 'logits'])
    const nodes = fromBinary(ModelProtoSchema, graph.encode()).graph?.node ?? []
    expect(nodes.map(({ opType }) => opType)).toEqual([
      'Conv',
      'Clip',
      'Conv',
      'Add',
      'GlobalAveragePool',
      'Flatten',
      'Gemm',
    ])
    const pads = nodes[0]?.attribute.find(({ name }) => name === 'pads')
    expect(pads?.ints).toEqual([0n, 0n, 1n, 1n])
  })

  it.each(Object.keys(SHAPES))('names the weight that is missing: %s', (missing) => {
    const { [missing]: _left, ...rest } = SHAPES
    const run = () => emit(weightsOf(rest))
    expect(run).toThrow(VergerError)
    expect(run).toThrow(
      `twig expects the weight ${missing} of shape [${SHAPES[missing]?.join(', ')}], received nothing`,
    )
  })

  it('names the weight that has another shape', () => {
    const run = () => emit(weightsOf({ ...SHAPES, 'depth/kernel': [4, 4, 3, 3] }))
    expect(run).toThrow('depth/kernel of shape [4, 1, 3, 3], received [4, 4, 3, 3]')
  })
  it('pads with zeros that a maximum sees, also in onnxruntime', async () => {
    const network: Network = {
      name: 'edge',
      input: { size: 3, mean: 0, divisor: 1 },
      layers: [
        { op: 'pad', input: INPUT, padding: [1, 1, 1, 1] },
        { op: 'max-pool', input: 0, kernelSize: 3, stride: 2, padding: 'valid' },
        { op: 'global-average-pool', input: 1 },
      ],
      outputs: { features: { layer: 2, width: 3 } },
    }
    const graph = createGraphBuilder(network.name)
    const input = graph.input('x', 'float32', ['n', 3, 3, 3])
    const { features = '' } = emitNetwork(graph, network, new Map(), input)
    graph.output('features', features, 'float32', ['n', 3])
    const computation = await loadComputation(graph.encode(), 1)
    const below = { data: new Float32Array(27).fill(-5), dims: [1, 3, 3, 3] }
    const results = await computation.run({ x: below }, ['features'])
    await computation.close()
    expect(results['features']).toEqual(Float32Array.of(0, 0, 0))
  })
})
