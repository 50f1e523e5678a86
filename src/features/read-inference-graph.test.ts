/** What `encodeInferenceGraph` writes is read back by the reader of foreign graphs, as it was. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOnnx } from '../backbones/readers/onnx/read-onnx.ts'
import { packagePath } from '../core/version.ts'
import { ModelProtoSchema } from '../tensor/generated/onnx_pb.ts'
import { INPUT, type Network } from '../tensor/network.ts'
import { elementCount, type FloatTensor } from '../tensor/tensor.ts'
import { encodeInferenceGraph } from './inference-graph.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-onnx-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(metadata: Readonly<Record<string, string>> = {}): string {
  const path = join(folder, 'model.onnx')
  writeFileSync(path, encodeInferenceGraph(NETWORK, WEIGHTS, metadata))
  return path
}

const tensor = (...dims: number[]): FloatTensor => ({
  dims,
  data: Float32Array.from({ length: elementCount(dims) }, (_, at) => ((at * 7) % 11) / 8 - 0.5),
})

const NETWORK: Network = {
  name: 'small',
  input: { size: 8, mean: [123.675, 116.28, 103.53], divisor: [58.395, 57.12, 57.375] },
  layers: [
    {
      op: 'conv',
      name: 'stem',
      input: INPUT,
      filters: 4,
      kernelSize: [3, 3],
      stride: 2,
      padding: [0, 0, 1, 1],
      groups: 1,
    },
    { op: 'relu6', input: 0 },
    { op: 'global-average-pool', input: 1 },
    { op: 'dense', name: 'classifier', input: 2, units: 3 },
  ],
  outputs: { features: { layer: 2, width: 4 }, logits: { layer: 3, width: 3 } },
}
const WEIGHTS = new Map([
  ['stem/kernel', tensor(4, 3, 3, 3)],
  ['stem/bias', tensor(4)],
  ['classifier/kernel', tensor(3, 4)],
  ['classifier/bias', tensor(3)],
])

describe('a model that Verger wrote', () => {
  it('is read back as it was: layers, weights, scaling', () => {
    const { network, weights, knowsScaling } = readOnnx(write())
    expect(knowsScaling).toBe(true)
    expect(network.layers).toEqual(NETWORK.layers)
    expect(network.outputs).toEqual(NETWORK.outputs)
    expect(new Map(weights)).toEqual(WEIGHTS)
    const { size, mean, divisor } = network.input
    expect(size).toBe(8)
    expect(Float32Array.from([mean].flat())).toEqual(Float32Array.from([123.675, 116.28, 103.53]))
    expect(Float32Array.from([divisor].flat())).toEqual(Float32Array.from([58.395, 57.12, 57.375]))
  })

  it('tells its labels', () => {
    const labels = ['apple', 'pear', 'quince']
    const { labels: read } = readOnnx(write({ labels: JSON.stringify(labels) }))
    expect(read).toEqual(labels)
  })

  it('is refused with another number of labels', () => {
    const path = write({ labels: '["apple"]' })
    expect(() => readOnnx(path)).toThrow('Expected 3 labels')
  })

  it('is the backbone that comes with Verger', () => {
    const file = packagePath('weights/efficientnet-lite0.onnx')
    const { network, weights } = readOnnx(file)
    expect(network.input).toEqual({ size: 224, mean: 127, divisor: 128 })
    expect(network.outputs['logits']?.width).toBe(1000)
    const stored = fromBinary(ModelProtoSchema, readFileSync(file)).graph?.initializer ?? []
    for (const [name, { data }] of weights) {
      const raw = stored.find((each) => each.name === name)?.rawData
      expect(
        Buffer.from(data.buffer, data.byteOffset, data.byteLength).equals(raw ?? new Uint8Array()),
      ).toBe(true)
    }
    expect(weights.size).toBeGreaterThan(90)
  })
})
