import { describe, expect, it } from 'vitest'
import golden from './golden-tensor.json' with { type: 'json' }
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts'

const { theirs, ours, values } = golden.file

const f32 = (...data: number[]): StoredTensor => ({
  type: 'F32',
  dims: [data.length],
  data: Float32Array.from(data),
})

/** A file with this header, as text or value, and this many bytes of numbers. */
function encodeFile(header: unknown, bodyBytes = 8): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(bodyBytes)])
}

describe('with the safetensors package of Python', () => {
  it('reads what it wrote, padding and metadata included', () => {
    const decoded = decodeSafetensors(Buffer.from(theirs, 'base64'))
    expect([...decoded.keys()].sort()).toEqual(Object.keys(values).sort())
    for (const [name, { dims, data }] of Object.entries(values)) {
      expect(decoded.get(name)?.dims).toEqual(dims)
      expect([...(decoded.get(name)?.data ?? [])]).toEqual([...Float32Array.from(data)])
    }
  })

  it('writes what it reads', () => {
    const tensors = Object.entries(values).map(([name, { dims, data }]): [string, StoredTensor] => [
      name,
      { type: name === 'half' ? 'F16' : 'F32', dims, data: Float32Array.from(data) },
    ])
    const encoded = encodeSafetensors(Object.fromEntries(tensors))
    expect(Buffer.from(encoded).toString('base64')).toBe(ours)
  })
})

describe('a file of tensors', () => {
  it('gives back what was put in, whatever its order', () => {
    const tensors = { b: f32(1, 2), a: f32(-0, 3e38), empty: f32() }
    const bytes = encodeSafetensors(tensors)
    expect(decodeSafetensors(bytes)).toEqual(
      new Map(Object.entries(tensors).map(([name, { dims, data }]) => [name, { dims, data }])),
    )
    const { a, b, empty } = tensors
    expect(encodeSafetensors({ empty, a, b })).toEqual(bytes)
  })

  it('is read at any place of a larger buffer, and copied', () => {
    const bytes = encodeSafetensors({ a: f32(1, 2, 3) })
    const larger = new Uint8Array(bytes.length + 3)
    larger.set(bytes, 3)
    const { data } = decodeSafetensors(larger.subarray(3)).get('a') ?? {}
    larger.fill(0)
    expect(data).toEqual(Float32Array.of(1, 2, 3))
  })

  it('is written from a part of a larger array', () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3)
    const bytes = encodeSafetensors({ a: { type: 'F32', dims: [2], data } })
    expect(decodeSafetensors(bytes).get('a')?.data).toEqual(Float32Array.of(1, 2))
  })

  it('begins its numbers at a multiple of eight', () => {
    for (const name of ['a', 'ab', 'abc', 'größe']) {
      const bytes = Buffer.from(encodeSafetensors({ [name]: f32(1) }))
      expect(bytes.readBigUInt64LE() % 8n).toBe(0n)
    }
  })

  it('may have names that objects have already', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const file = encodeFile(`{"${name}":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`)
      expect([...decodeSafetensors(file).keys()]).toEqual([name])
    }
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined()
  })
})

const entry = (changes: object) => ({
  a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changes },
})

describe('a file that is refused', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['less than a length', new Uint8Array(7)],
    ['a header longer than the file', Buffer.concat([Buffer.alloc(7, 255), Buffer.alloc(20)])],
    ['a header longer than numbers are exact', Buffer.alloc(40, 255)],
    ['no header', encodeFile('')],
    ['no JSON', encodeFile('{"a":')],
    ['null', encodeFile('null')],
    ['a list', encodeFile('[]')],
    ['a number', encodeFile('7')],
    ['a tensor that is null', encodeFile({ a: null })],
    ['a tensor that is a number', encodeFile({ a: 1 })],
    ['another type', encodeFile(entry({ dtype: 'I8' }))],
    ['a type that every object has', encodeFile(entry({ dtype: 'constructor' }))],
    ['a prototype as type', encodeFile(entry({ dtype: '__proto__' }))],
    ['no type', encodeFile(entry({ dtype: undefined }))],
    ['no shape', encodeFile(entry({ shape: undefined }))],
    ['a shape of texts', encodeFile(entry({ shape: ['2'] }))],
    ['a negative shape', encodeFile(entry({ shape: [-1, -2] }))],
    ['half a number', encodeFile(entry({ shape: [0.5, 4] }))],
    ['a shape that is too large', encodeFile(entry({ shape: [3] }))],
    ['a shape beyond all numbers', encodeFile(entry({ shape: [2 ** 52, 2 ** 52] }))],
    ['no places', encodeFile(entry({ data_offsets: undefined }))],
    ['one place', encodeFile(entry({ data_offsets: [8] }))],
    ['three places', encodeFile(entry({ data_offsets: [0, 8, 8] }))],
    ['places that are texts', encodeFile(entry({ data_offsets: ['0', '8'] }))],
    ['a place before the numbers, in the header', encodeFile(entry({ data_offsets: [-8, 0] }))],
    ['places that run backwards', encodeFile(entry({ data_offsets: [8, 0] }))],
    ['a place behind the end', encodeFile(entry({ data_offsets: [4, 12] }))],
    ['a file cut short', encodeFile(entry({}), 7)],
    ['a byte too many', encodeFile(entry({}), 9)],
    ['a gap before the numbers', encodeFile(entry({ data_offsets: [1, 9] }), 9)],
    ['two tensors in one place', encodeFile({ ...entry({}), b: entry({}).a })],
    [
      'tensors that overlap',
      encodeFile({ ...entry({}), b: { ...entry({}).a, data_offsets: [4, 12] } }, 12),
    ],
  ])('has %s', (_words, file) => {
    expect(() => decodeSafetensors(file)).toThrow(RangeError)
  })

  it('is refused for each byte that its length is off by', () => {
    const bytes = encodeSafetensors({ a: f32(1, 2), b: f32(3) })
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodeSafetensors(bytes.subarray(0, end))).toThrow(RangeError)
    }
  })
})
