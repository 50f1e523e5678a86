import { describe, expect, test } from 'vitest'
import { parseInstances } from './instances.ts'

const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4, 5, 6])
const b64 = bytes.toString('base64')
const webSafe = bytes.toString('base64url')
/** Long enough to be told from a photo. */
const long = Buffer.concat([bytes, Buffer.alloc(90, 7)])

const read = (instance: unknown, more: object = {}) =>
  parseInstances({ instances: [instance], ...more }).photos[0]?.read()

describe('parseInstances', () => {
  test.each([
    ['{"b64"}', { b64 }],
    ['base64 text', b64],
    ['web-safe base64 text', webSafe],
    ['image_bytes', { image_bytes: { b64 } }],
    ['image_base64', { image_base64: b64 }],
    ['any name', { input: { b64 } }],
    ['a key beside it', { key: '0', image_bytes: { b64 } }],
  ])('takes a photo as %s', (_form, instance) => {
    expect(Buffer.from(read(instance) as Uint8Array)).toEqual(bytes)
  })

  test('takes a text that was encoded for an input that takes text', () => {
    const twice = Buffer.from(long.toString('base64')).toString('base64')
    expect(Buffer.from(read({ image_base64: { b64: twice } }) as Uint8Array)).toEqual(long)
  })

  test('takes decoded pixels, grey ones too', () => {
    const rgb = [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ]
    expect(read(rgb)).toEqual({ width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) })
    expect(read({ image: [[7], [8]] })).toEqual({
      width: 1,
      height: 2,
      data: Uint8Array.of(7, 7, 7, 8, 8, 8),
    })
  })

  test('gives the key of each instance back', () => {
    const { keys } = parseInstances({ instances: [{ key: 'a', x: b64 }, b64, { key: 7, x: b64 }] })
    expect(keys).toEqual(['a', undefined, 7])
  })

  test('unwraps a body that follows the schema of the API', () => {
    const data = Buffer.from(JSON.stringify({ instances: [b64] })).toString('base64')
    const { photos } = parseInstances({ httpBody: { contentType: 'application/json', data } })
    expect(Buffer.from(photos[0]?.read() as Uint8Array)).toEqual(bytes)
  })

  test.each(['serving_default', 'serving_bytes'])('knows the signature %s', (signature_name) => {
    expect(read({ b64 }, { signature_name })).toBeDefined()
  })

  test.each([
    [[], /list "instances", received a list/],
    ['x', /received string/],
    [undefined, /received undefined/],
    [{}, /received none/],
    [{ instances: {} }, /received an object/],
    [{ instances: [] }, /at least one instance/],
    [
      { instances: [b64], signature_name: 'classify' },
      /No signature found for signature key "classify"; there is serving_default/,
    ],
    [{ instances: [{ key: '0' }] }, /Input image_base64 was missing .*instances\[0\]/],
    [
      { instances: [{ image_bytes: b64, age: 3 }] },
      /Unexpected tensor name: age in instances\[0\]/,
    ],
    [{ httpBody: {} }, /httpBody.data/],
    [{ httpBody: { data: 'bm8=' } }, /Expected JSON in httpBody.data/],
  ])('refuses %j', (body, message) => {
    expect(() => parseInstances(body)).toThrow(message)
  })

  test.each([
    [true, /base64 text, \{"b64": "…"\} or lists of pixels in instances\[0\], received boolean/],
    ['%%%%', /base64/],
    [{ b64: 7 }, /received an object/],
    [{ x: null }, /instances\[0\]\.x, received null/],
    [[[1, 2], [3]], /Expected 2 pixels in each row/],
    [[[[1, 2]]], /Expected 3 or 1 levels/],
    [[[0.5]], /whole numbers from 0 to 255, received 0.5 at row 0, column 0/],
    [[[256]], /received 256/],
    [[Array(1e5).fill(0), ...Array(1e5).fill([])], /Expected 100000 pixels/],
  ])('refuses the instance %#', (instance, message) => {
    expect(() => read(instance)).toThrow(message)
  })
})
