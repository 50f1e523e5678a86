import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VergerError } from '../../../core/errors.ts'
import { emitNetwork } from '../../../tensor/emit-onnx.ts'
import { type ModelProto, ModelProtoSchema } from '../../../tensor/generated/onnx_pb.ts'
import { createGraphBuilder } from '../../../tensor/graph-builder.ts'
import { INPUT, type Network } from '../../../tensor/network.ts'
import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'
import { readOnnx } from './read-onnx.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-onnx-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(bytes: Uint8Array): string {
  const path = join(folder, 'model.onnx')
  writeFileSync(path, bytes)
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

/** The network alone, as ONNX. */
function encode(): Uint8Array {
  const graph = createGraphBuilder(NETWORK.name)
  const photo = graph.input('photo', 'float32', ['n', 3, 8, 8])
  const values = emitNetwork(graph, NETWORK, WEIGHTS, photo)
  for (const [name, { width }] of Object.entries(NETWORK.outputs)) {
    graph.output(name, values[name] ?? name, 'float32', ['n', width])
  }
  return graph.encode()
}

/** The same, changed. */
function changed(
  change: (model: ModelProto & { graph: NonNullable<ModelProto['graph']> }) => void,
) {
  const model = fromBinary(ModelProtoSchema, encode())
  if (model.graph === undefined) throw new Error('no graph')
  change(Object.assign(model, { graph: model.graph }))
  return write(toBinary(ModelProtoSchema, model))
}

const FLOAT = 1

type NodeInit = {
  opType: string
  input: string[]
  output: string[]
  name?: string
  domain?: string
}

/** A graph that someone else wrote: these nodes between `photo` and `scores`, with a constant `kernel` `[2, 3]`. */
function foreign(nodes: NodeInit[], dims: readonly number[] = [1, 3, 8, 8]): string {
  const value = (name: string, sizes: readonly number[]) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType: FLOAT,
          shape: {
            dim: sizes.map((size) => ({
              value: { case: 'dimValue' as const, value: BigInt(size) },
            })),
          },
        },
      },
    },
  })
  const kernel = { name: 'kernel', dims: [2n, 3n], dataType: FLOAT, floatData: [1, 2, 3, 4, 5, 6] }
  return write(
    toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: 8n,
        opsetImport: [{ domain: '', version: 13n }],
        graph: {
          node: nodes,
          input: [value('photo', dims)],
          output: [value('scores', [1, 2])],
          initializer: [kernel],
        },
      }),
    ),
  )
}

const POOL: NodeInit = { opType: 'GlobalAveragePool', input: ['photo'], output: ['pooled'] }
const FLATTEN: NodeInit = { opType: 'Flatten', input: ['pooled'], output: ['flat'] }
const node = (opType: string, input: string[], output: string, name = ''): NodeInit => ({
  opType,
  input,
  output: [output],
  name,
})

describe('a graph that cannot be read', () => {
  it.each<[string, () => string, string, string]>([
    [
      'an unknown operator',
      () => foreign([node('LRN', ['photo'], 'scores', 'norm1')]),
      'model_unsupported',
      'Node norm1 (LRN)',
    ],
    [
      'an operator of another domain',
      () => foreign([{ ...node('FusedConv', ['photo'], 'scores'), domain: 'com.microsoft' }]),
      'model_unsupported',
      'Node 0 (com.microsoft.FusedConv)',
    ],
    [
      'an operator by a name of our own objects',
      () => foreign([node('constructor', ['photo'], 'scores')]),
      'model_unsupported',
      'Node 0 (constructor)',
    ],
    [
      'a value from nowhere',
      () => foreign([node('Relu', ['other'], 'scores')]),
      'model_unsupported',
      'the input other, which no node before it gives',
    ],
    [
      'an output from nowhere',
      () => foreign([node('Relu', ['photo'], 'other')]),
      'model_invalid',
      'No node gives the output scores',
    ],
    [
      'a kernel of another shape',
      () => foreign([POOL, FLATTEN, node('MatMul', ['flat', 'kernel'], 'scores')]),
      'model_invalid',
      'expected a weight of shape',
    ],
    [
      'an input that is not square',
      () => foreign([node('Relu', ['photo'], 'scores')], [1, 3, 8, 9]),
      'model_unsupported',
      'a square input',
    ],
    [
      'a grey input',
      () => foreign([node('Relu', ['photo'], 'scores')], [1, 1, 8, 8]),
      'model_unsupported',
      'three channels',
    ],
    [
      'an input of free size',
      () => foreign([node('Relu', ['photo'], 'scores')], [1, 3, 0, 0]),
      'model_unsupported',
      'a fixed size',
    ],
    [
      'a map as output',
      () => foreign([node('Relu', ['photo'], 'scores')]),
      'model_unsupported',
      'Expected an output [n, classes]',
    ],
    [
      'an opset that is too new',
      () =>
        changed(({ opsetImport: [main] }) => {
          if (main !== undefined) main.version = 99n
        }),
      'model_unsupported',
      'an ONNX opset of 7 to 21, received 99',
    ],
    [
      'two inputs',
      () =>
        changed(({ graph }) => {
          for (const each of [...graph.input]) graph.input.push({ ...each, name: 'another' })
        }),
      'model_unsupported',
      'one input, received 2: photo, another',
    ],
    [
      'several outputs without logits',
      () =>
        changed(({ graph }) => {
          for (const each of graph.output) each.name += '_'
        }),
      'model_unsupported',
      'one output, received 2: features_, logits_',
    ],
    [
      'too few values of a constant',
      () =>
        changed(({ graph }) => {
          const bias = graph.initializer.find(({ name }) => name === 'stem/bias')
          if (bias !== undefined) bias.rawData = new Uint8Array(8)
        }),
      'model_invalid',
      'Expected 4 values for the constant stem/bias of shape [4], received 2',
    ],
    ['no protobuf', () => write(Buffer.from('not an ONNX file')), 'model_invalid', 'an ONNX file'],
    ['nothing', () => write(new Uint8Array()), 'model_invalid', 'without nodes'],
  ])('is refused with its place: %s', (_words, make, code, message) => {
    expect(() => readOnnx(make())).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('is refused wherever it ends, and read or refused whichever byte is changed', () => {
    const whole = encode()
    const attempt = (bytes: Uint8Array) => {
      try {
        readOnnx(write(bytes))
      } catch (error) {
        if (!(error instanceof VergerError)) throw error
      }
    }
    for (let length = 0; length < whole.length; length += 9) attempt(whole.subarray(0, length))
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Uint8Array.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      attempt(bytes)
    }
  })
})

describe('constants in another file', () => {
  const outside = (entries: Record<string, string>) =>
    changed(({ graph }) => {
      const bias = graph.initializer.find(({ name }) => name === 'stem/bias')
      if (bias === undefined) throw new Error('no bias')
      bias.rawData = new Uint8Array()
      bias.dataLocation = 1
      for (const [key, value] of Object.entries(entries)) {
        bias.externalData.push({ $typeName: 'onnx.StringStringEntryProto', key, value })
      }
    })

  it('are read by their place', () => {
    writeFileSync(
      join(folder, 'weights.bin'),
      new Uint8Array(Float32Array.of(9, 1, 2, 3, 4, 9).buffer),
    )
    const path = outside({ location: 'weights.bin', offset: '4', length: '16' })
    expect(readOnnx(path).weights.get('stem/bias')?.data).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  it.each([
    [
      'that is missing',
      { location: 'other.bin' },
      'in other.bin beside the ONNX file, found no such file',
    ],
    ['that is too short', { location: 'weights.bin', offset: '20' }, 'received 1'],
    [
      'by a place beyond its end',
      { location: 'weights.bin', offset: '99', length: '16' },
      'the file has 24',
    ],
    ['by a place that is no number', { location: 'weights.bin', offset: 'x' }, 'from byte NaN'],
    ['above the folder', { location: '../weights.bin' }, 'outside of the folder'],
    [
      'above the folder, the long way',
      { location: 'a/../../weights.bin' },
      'outside of the folder',
    ],
    ['at a fixed place', { location: '/etc/passwd' }, 'outside of the folder'],
    ['at a fixed place of Windows', { location: 'C:\\weights.bin' }, 'outside of the folder'],
    ['without a name', {}, 'outside of the folder'],
    ['that links out of the folder', { location: 'link.bin' }, 'a link out of its folder'],
  ])('are refused: %s', (_words, entries, message) => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'verger-elsewhere-'))
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(elsewhere, 'secret.bin'), new Uint8Array(16))
      rmSync(join(folder, 'link.bin'), { force: true })
      symlinkSync(join(elsewhere, 'secret.bin'), join(folder, 'link.bin'))
      const path = outside(entries as Record<string, string>)
      expect(() => readOnnx(path)).toThrow(message)
    } finally {
      rmSync(elsewhere, { recursive: true, force: true })
    }
  })
})
