import { describe, expect, it } from 'vitest'
import { VergerError } from '../../core/errors.ts'
import { sourceOf } from './byte-source.ts'
import { readPyTorchLegacy } from './pytorch-legacy.ts'

const read = (bytes: Uint8Array) => readPyTorchLegacy(sourceOf(bytes))

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([Buffer.from('X'), length, bytes])
}
const byte = (value: number): Buffer => Buffer.from([0x4b, value])
const raw = (value: string): Buffer => Buffer.from(value, 'latin1')
const tuple = (...items: Buffer[]): Buffer => Buffer.concat([raw('('), ...items, raw('t')])
const pickle = (...parts: Buffer[]): Buffer => Buffer.concat([raw('\x80\x02'), ...parts, raw('.')])

const MAGIC = pickle(raw('\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19'))
const VERSION = pickle(raw('M\xe9\x03'))
const SIZES = pickle(raw('}'))

interface Stored {
  readonly name: string
  readonly storage: string
  readonly type?: string
  readonly count: number
  readonly offset?: number
  readonly dims: number[]
  readonly strides: number[]
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`. */
function tensor({
  storage,
  type = 'FloatStorage',
  count,
  offset = 0,
  dims,
  strides,
}: Stored): Buffer {
  const id = tuple(
    text('storage'),
    raw(`ctorch\n${type}\n`),
    text(storage),
    text('cpu'),
    byte(count),
    raw('N'),
  )
  const sizes = [tuple(...dims.map(byte)), tuple(...strides.map(byte))]
  const hooks = raw('ccollections\nOrderedDict\n)R')
  const args = tuple(id, raw('Q'), byte(offset), ...sizes, raw('\x89'), hooks)
  return Buffer.concat([raw('ctorch._utils\n_rebuild_tensor_v2\n'), args, raw('R')])
}

function floats(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 + 4 * values.length)
  bytes.writeBigInt64LE(BigInt(values.length))
  values.forEach((value, index) => {
    bytes.writeFloatLE(value, 8 + 4 * index)
  })
  return bytes
}

function longs(...values: number[]): Buffer {
  return Buffer.from(BigInt64Array.from([values.length, ...values].map(BigInt)).buffer)
}

/** A state dict as `torch.save` of PyTorch 1.5 wrote it. */
function file(tensors: readonly Stored[], storages: Readonly<Record<string, Buffer>>): Buffer {
  const items = tensors.flatMap((stored) => [text(stored.name), tensor(stored)])
  const dictionary = pickle(raw('ccollections\nOrderedDict\n)R('), ...items, raw('u'))
  const keys = pickle(raw(']('), ...Object.keys(storages).map(text), raw('e'))
  return Buffer.concat([MAGIC, VERSION, SIZES, dictionary, keys, ...Object.values(storages)])
}

const WEIGHT: Stored = {
  name: 'conv.weight',
  storage: '1',
  count: 6,
  dims: [2, 3],
  strides: [3, 1],
}

describe('readPyTorchLegacy', () => {
  it('gives tensors in row-major order, however they are stored', () => {
    const tensors = read(
      file(
        [
          WEIGHT,
          { ...WEIGHT, name: 'transposed', dims: [3, 2], strides: [1, 3] },
          { ...WEIGHT, name: 'last row', dims: [3], strides: [1], offset: 3 },
          { name: 'scalar', storage: '2', count: 1, dims: [], strides: [] },
        ],
        { 1: floats(1, 2, 3, 4, 5, 6), 2: floats(0.5) },
      ),
    )
    expect(Object.fromEntries(tensors)).toEqual({
      'conv.weight': { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      transposed: { dims: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) },
      'last row': { dims: [3], data: Float32Array.of(4, 5, 6) },
      scalar: { dims: [], data: Float32Array.of(0.5) },
    })
  })

  it('leaves out counters, which are no floats', () => {
    const counter: Stored = {
      name: 'seen',
      storage: '0',
      type: 'LongStorage',
      count: 1,
      dims: [],
      strides: [],
    }
    const tensors = read(file([counter, WEIGHT], { 0: longs(7), 1: floats(1, 2, 3, 4, 5, 6) }))
    expect([...tensors.keys()]).toEqual(['conv.weight'])
  })

  it('gives the same for bytes inside a larger buffer', () => {
    const bytes = file([WEIGHT], { 1: floats(1, 2, 3, 4, 5, 6) })
    const inside = new Uint8Array(
      Buffer.concat([raw('abc'), bytes, raw('def')]).subarray(3, 3 + bytes.length),
    )
    expect(read(bytes)).toEqual(read(inside))
    const view = Buffer.concat([raw('abc'), bytes]).subarray(3)
    expect(read(view).get('conv.weight')?.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
  })
})

describe('a file that is damaged', () => {
  const whole = file([WEIGHT], { 1: floats(1, 2, 3, 4, 5, 6) })

  it.each([
    ['a zip of a newer PyTorch', raw('PK\x03\x04'), 'the opcode 0x50'],
    ['another magic number', pickle(byte(1)), 'another magic number'],
    ['too few values', file([WEIGHT], { 1: floats(1, 2) }), 'too few for storage 1'],
    [
      'another count',
      file([WEIGHT], { 1: floats(1, 2, 3, 4, 5, 6, 7) }),
      'another length for storage 1',
    ],
    [
      'an unknown type',
      file([{ ...WEIGHT, type: 'ComplexStorage' }], {}),
      'a storage of type torch.ComplexStorage',
    ],
    [
      'a storage without a tensor',
      file([], { 9: floats(1) }),
      'the storage 9, which no tensor uses',
    ],
    ['a tensor without its storage', file([WEIGHT], {}), 'no values for storage 1'],
    [
      'a view that repeats one value',
      file([{ ...WEIGHT, dims: [200, 200, 200], strides: [0, 0, 0] }], {
        1: floats(1, 2, 3, 4, 5, 6),
      }),
      'too few values for conv.weight',
    ],
    [
      'no dictionary',
      Buffer.concat([MAGIC, VERSION, SIZES, pickle(byte(1)), pickle(raw(']'))]),
      'something else than a dictionary',
    ],
    [
      'a tensor beyond its storage',
      file([{ ...WEIGHT, offset: 4 }], { 1: floats(1, 2, 3, 4, 5, 6) }),
      'too few values for conv.weight',
    ],
  ])('is refused with what is wrong: %s', (_words, bytes, received) => {
    expect(() => read(bytes)).toThrow(received)
    expect(() => read(bytes)).toThrow(VergerError)
  })

  it('is refused where it holds a whole model', () => {
    const id = tuple(text('module'), raw('corchard\nTree\n'), text('tree.py'), text('class Tree'))
    const model = pickle(id, raw('Q)\x81}b'))
    expect(() => read(Buffer.concat([MAGIC, VERSION, SIZES, model]))).toThrow(
      'a whole model of the class orchard.Tree',
    )
  })

  it('is refused wherever it ends', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow(VergerError)
    }
  })

  it('is read or refused whichever byte is changed', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const change of [0x01, 0x20, 0x80, 0xff]) {
        const bytes = Uint8Array.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ change
        try {
          read(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(VergerError)
        }
      }
    }
  })
})
