import { describe, expect, test } from 'vitest'
import type { Pixels } from '../../images/decode.ts'
import type { InputTensor } from './infer-request.ts'
import { photosOfInputs } from './input-photos.ts'
import { joinElements } from './tensors.ts'

const limits = { requestPhotos: 4, photoPixels: 100 }
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])
const bytesInput: InputTensor = {
  name: 'image_bytes',
  datatype: 'BYTES',
  shape: [1],
  contents: joinElements([JPEG]),
}
const pixels = (contents: InputTensor['contents'], shape: number[], datatype = 'UINT8') => ({
  name: 'image',
  datatype,
  shape,
  contents,
})

const read = (input: InputTensor) => photosOfInputs([input], limits).map((photo) => photo.read())

describe('photos as files', () => {
  test.each([
    ['bytes', bytesInput],
    ['bytes in a column', { ...bytesInput, shape: [1, 1] }],
    [
      'base64 text as bytes',
      { ...bytesInput, contents: joinElements([Buffer.from(JPEG.toString('base64'))]) },
    ],
    ['base64 text', { ...bytesInput, name: 'image_base64', contents: [JPEG.toString('base64')] }],
    ['web-safe text', { ...bytesInput, contents: [JPEG.toString('base64url')] }],
    ['nested text', { ...bytesInput, shape: [1, 1], contents: [[JPEG.toString('base64')]] }],
  ])('come as %s', (_what, input) => {
    expect(read(input)).toEqual([JPEG])
  })

  test('come several at once, in their order', () => {
    const second = Buffer.from([0x89, 0x50])
    const contents = joinElements([JPEG, second])
    expect(read({ ...bytesInput, shape: [2], contents })).toEqual([JPEG, second])
  })

  test.each<[string, Partial<InputTensor>, RegExp]>([
    [
      'of another name',
      { name: 'x' },
      /Expected one input, image_bytes or image_base64 or image, received "x"/,
    ],
    [
      'of another type',
      { datatype: 'FP32' },
      /Expected the datatype BYTES for image_bytes, received "FP32"/,
    ],
    ['of a number', { contents: [7] }, /Expected text at image_bytes\[0\], received 7/],
    ['of null', { contents: [null] }, /Expected text at image_bytes\[0\], received null/],
    [
      'of a shape with no dimension',
      { shape: [] },
      /Expected the shape \[photos\] or \[photos,1\]/,
    ],
    ['of a shape with a width', { shape: [1, 2] }, /received \[1,2\]/],
    ['of a negative shape', { shape: [-1] }, /Expected whole numbers from 0 on as the shape/],
    ['of nothing', { shape: [0], contents: [] }, /Expected at least one photo/],
    [
      'of more elements',
      { contents: joinElements([JPEG, JPEG]) },
      /Expected 1 elements in image_bytes, as its shape says, received more/,
    ],
    ['of fewer elements', { shape: [2] }, /Expected 2 elements.*received 1/],
    [
      'cut short',
      { contents: joinElements([JPEG]).subarray(0, 9) },
      /Expected element 0 of image_bytes to end at byte 11, received 9 bytes/,
    ],
    ['cut in a length', { contents: Buffer.of(1, 0) }, /to end at byte 4, received 2 bytes/],
    [
      'with an immense length',
      { contents: Buffer.of(0xff, 0xff, 0xff, 0xff, 1) },
      /to end at byte 4294967299/,
    ],
    [
      'of lists that are longer than the shape',
      { shape: [2, 1], contents: [['a'], ['b'], ['c']] },
      /Expected lists of 2 at level 0/,
    ],
    ['of too few values', { shape: [2], contents: ['a'] }, /Expected 2 values in image_bytes/],
  ])('are refused: %s', (_what, change, message) => {
    expect(() => read({ ...bytesInput, ...change })).toThrow(message)
  })

  test('are refused beyond the limit', () => {
    expect(() => read({ ...bytesInput, shape: [1e9] })).toThrow(
      /at most 4 photos in one request, received 1000000000/,
    )
  })

  test('are refused where there are several inputs, or none', () => {
    expect(() => photosOfInputs([], limits)).toThrow(/received none/)
    expect(() => photosOfInputs([bytesInput, bytesInput], limits)).toThrow(
      /received "image_bytes", "image_bytes"/,
    )
  })

  test('that are no base64 fail alone', () => {
    const photos = photosOfInputs([{ ...bytesInput, shape: [2], contents: ['a', '/9j/'] }], limits)
    expect(() => photos[0]?.read()).toThrow(/Expected base64 text in image_bytes\[0\]/)
    expect(photos[1]?.read()).toEqual(Buffer.from('/9j/', 'base64'))
  })
})

/** Two photos of 1 × 2 pixels. */
const LEVELS = [0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]
const DATA = [LEVELS.slice(0, 6), LEVELS.slice(6)]

function dataOf(input: InputTensor): number[][] {
  const photos = read(input) as Pixels[]
  expect(photos.map(({ width, height }) => [width, height])).toEqual([
    [2, 1],
    [2, 1],
  ])
  return photos.map(({ data }) => [...data])
}

describe('decoded pixels', () => {
  const shape = [2, 1, 2, 3]
  test.each<[string, InputTensor]>([
    ['UINT8', pixels(Uint8Array.from(LEVELS), shape)],
    ['INT32', pixels(new Uint8Array(Int32Array.from(LEVELS).buffer), shape, 'INT32')],
    [
      'INT64',
      pixels(new Uint8Array(BigInt64Array.from(LEVELS.map(BigInt)).buffer), shape, 'INT64'),
    ],
    ['FP32', pixels(new Uint8Array(Float32Array.from(LEVELS).buffer), shape, 'FP32')],
    ['FP64', pixels(new Uint8Array(Float64Array.from(LEVELS).buffer), shape, 'FP64')],
    ['flat values', pixels(LEVELS, shape)],
    [
      'nested values',
      pixels(
        DATA.map((each) => [[each.slice(0, 3), each.slice(3)]]),
        shape,
      ),
    ],
    [
      'planes',
      pixels(
        DATA.flatMap(([a, b, c, d, e, f]) => [a, d, b, e, c, f]),
        [2, 3, 1, 2],
      ),
    ],
  ])('come as %s', (_what, input) => {
    expect(dataOf(input)).toEqual(DATA)
  })

  test('of bytes that lie at any place come as they are', () => {
    const raw = Buffer.concat([Buffer.of(9), Buffer.from(Float32Array.from(LEVELS).buffer)])
    expect(dataOf(pixels(raw.subarray(1), shape, 'FP32'))).toEqual(DATA)
  })

  const flat = (value: unknown) => LEVELS.map((level, index) => (index === 7 ? value : level))
  test.each<[string, InputTensor, RegExp]>([
    [
      '0 to 1',
      pixels(flat(0.5), shape, 'FP32'),
      /whole levels 0 to 255 in image\[1\], received 0.5 as value 1/,
    ],
    ['beyond 255', pixels(flat(256), shape), /received 256/],
    ['below 0', pixels(flat(-1), shape), /received -1/],
    ['text', pixels(flat('1'), shape), /received "1"/],
    ['true', pixels(flat(true), shape), /received true/],
    ['null', pixels(flat(null), shape), /received null/],
    ['lists', pixels(flat([1]), shape), /received \[1\]/],
    [
      'NaN',
      pixels(new Uint8Array(Float32Array.from(flat(Number.NaN) as number[]).buffer), shape, 'FP32'),
      /received NaN/,
    ],
    [
      'of FP16',
      pixels([], shape, 'FP16'),
      /Expected the datatype UINT8 or INT32 .*, received "FP16"/,
    ],
    [
      'without a batch',
      pixels(LEVELS, [2, 2, 3]),
      /Expected the shape \[photos,height,width,3\].*received \[2,2,3\]/,
    ],
    ['of four channels', pixels(LEVELS, [1, 1, 3, 4]), /received \[1,1,3,4\]/],
    ['without a pixel', pixels([], [1, 0, 2, 3]), /at least one pixel in image, received 2 × 0/],
    [
      'of too many pixels',
      pixels([], [1, 11, 10, 3]),
      /at most 100 pixels in a photo of image, received 10 × 11/,
    ],
    ['of too many photos', pixels([], [5, 1, 1, 3]), /at most 4 photos in one request, received 5/],
    [
      'of too few bytes',
      pixels(Uint8Array.from(LEVELS), [2, 1, 3, 3]),
      /Expected 18 bytes in image, 18 of UINT8 as its shape says, received 12/,
    ],
    ['of too few values', pixels(LEVELS, [2, 1, 3, 3]), /Expected 18 values in image/],
    [
      'of an immense shape',
      pixels([], [1, 2 ** 40, 2 ** 40, 3]),
      /Expected whole numbers from 0 on as the shape of image/,
    ],
  ])('are refused: %s', (_what, input, message) => {
    expect(() => read(input)).toThrow(message)
  })
})
