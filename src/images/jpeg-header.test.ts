import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseJpegHeader } from './jpeg-header.ts'

const FIXTURES = new URL('../../test/fixtures/photos/', import.meta.url)
const fixture = (name: string): Buffer => readFileSync(new URL(name, FIXTURES))

/** A segment: its marker, its length and its body. */
function segment(marker: number, body: readonly number[]): number[] {
  const length = body.length + 2
  return [0xff, marker, length >> 8, length & 0xff, ...body]
}

const START = [0xff, 0xd8]
const END = [0xff, 0xd9]
const scan = segment(0xda, [1, 1, 0, 0, 63, 0])
/** 8 bits, `height` × `width`, three samples for each component. */
function frame(width: number, height: number, components: number, marker = 0xc0): number[] {
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff]
  return segment(marker, [8, ...size, components, ...new Array(3 * components).fill(0x11)])
}
function exif(orientation: number, order: 'II' | 'MM'): number[] {
  const short = (value: number) => (order === 'II' ? [value, 0] : [0, value])
  const long = (value: number) => (order === 'II' ? [value, 0, 0, 0] : [0, 0, 0, value])
  const entry = [...(order === 'II' ? [0x12, 0x01] : [0x01, 0x12]), ...short(3), ...long(1)]
  const tiff = [...Buffer.from(order), ...short(42), ...long(8), ...short(1)]
  return segment(0xe1, [...Buffer.from('Exif\0\0'), ...tiff, ...entry, ...short(orientation), 0, 0])
}
const jpeg = (...parts: number[][]) => Uint8Array.from([...START, ...parts.flat()])

/** Mulberry32: the same numbers from the same seed (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('the size and components', () => {
  it.each([
    ['a colour photo', 'baseline.jpg', 160, 120, 3],
    ['a progressive photo', 'progressive.jpg', 447, 335, 3],
    ['a grey photo', 'grey.jpg', 160, 120, 1],
    ['a CMYK photo', 'cmyk.jpg', 160, 120, 4],
    ['a large photo', 'large.jpg', 1801, 1351, 3],
    ['one pixel', 'one-pixel.jpg', 1, 1, 3],
    ['a photo that is stored on its side', 'exif-6.jpg', 120, 160, 3],
  ])('are those of %s', (_words, name, width, height, components) => {
    expect(parseJpegHeader(fixture(name))).toMatchObject({
      width,
      height,
      components,
      isComplete: true,
    })
  })

  it('are found behind fill bytes and other segments', () => {
    const bytes = jpeg(
      [0xff, 0xff],
      segment(0xfe, [1, 2, 3]),
      [0xff],
      frame(300, 2, 1, 0xc2),
      scan,
      END,
    )
    expect(parseJpegHeader(bytes)).toMatchObject({ width: 300, height: 2, components: 1 })
  })

  it('do not come from a Huffman table', () => {
    const table = segment(0xc4, new Array(20).fill(7))
    expect(parseJpegHeader(jpeg(table, frame(5, 4, 3), scan, END))).toMatchObject({
      width: 5,
      height: 4,
    })
  })
})

describe('the orientation', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => ({ orientation }))
  it.each(values)('is read from the photo that has $orientation', ({ orientation }) => {
    expect(parseJpegHeader(fixture(`exif-${orientation}.jpg`))?.orientation).toBe(orientation)
  })

  it.each(['II', 'MM'] as const)('is read in the byte order %s', (order) => {
    expect(parseJpegHeader(jpeg(exif(6, order), frame(2, 2, 3), scan, END))?.orientation).toBe(6)
  })

  it.each([
    ['without EXIF', []],
    ['with a value that does not exist', exif(9, 'MM')],
    [
      'with XMP in the place of EXIF',
      segment(0xe1, [...Buffer.from('http://ns.adobe.com/xap/1.0/\0')]),
    ],
    ['with EXIF that is cut short', exif(6, 'MM').slice(0, 10).with(3, 8)],
    [
      'with a directory outside the segment',
      segment(0xe1, [...Buffer.from('Exif\0\0MM\0*\0\0\xff\0', 'latin1')]),
    ],
  ])('is upright %s', (_words, part) => {
    expect(parseJpegHeader(jpeg(part, frame(2, 2, 3), scan, END))?.orientation).toBe(1)
  })
})

describe('completeness', () => {
  const head = [frame(2, 2, 3), scan]
  it.each([
    ['the end marker follows the data', [[1, 2, 3], END], true],
    [
      'stuffed bytes and restart markers stand between',
      [[1, 0xff, 0, 2, 0xff, 0xd0, 3], END],
      true,
    ],
    ['fill bytes stand in front of the end', [[1, 0xff, 0xff], END], true],
    ['a second scan follows', [[1], segment(0xc4, [0xff, 0xd9]), scan, [2], END], true],
    ['bytes follow the end', [[1], END, [1, 2, 3]], true],
    ['the end marker is missing', [[1, 2, 3]], false],
    ['half of the end marker is there', [[1, 2, 3, 0xff]], false],
    ['the end marker stands inside a table', [[1], segment(0xc4, [0xff, 0xd9])], false],
    ['a second scan is cut', [[1], END.slice(0, 1), [0xda, 0xff]], false],
  ])('when %s', (_words, data, isComplete) => {
    expect(parseJpegHeader(jpeg(...head, ...data))?.isComplete).toBe(isComplete)
  })

  it.each(['baseline.jpg', 'progressive.jpg', 'grey.jpg'])(
    'ends with the last byte of %s',
    (name) => {
      const bytes = fixture(name)
      expect(parseJpegHeader(bytes)?.isComplete).toBe(true)
      for (const share of [0.5, 0.7, 0.9]) {
        expect(parseJpegHeader(bytes.subarray(0, bytes.length * share))?.isComplete).toBe(false)
      }
      expect(parseJpegHeader(bytes.subarray(0, -1))?.isComplete).toBe(false)
    },
  )
})

describe('bytes that are no JPEG', () => {
  it.each([
    ['nothing', []],
    ['the start alone', START],
    ['the end at once', [...START, ...END, 0, 0]],
    ['a scan without a frame', [...START, ...scan]],
    ['a segment without room for its length', [...START, 0xff, 0xe0, 0, 1]],
    ['a segment longer than the file', [...START, 0xff, 0xe0, 0xff, 0xff, 0]],
    ['a frame that is too short', [...START, ...segment(0xc0, [8, 0]), ...scan]],
    ['no marker where one must be', [...START, 1, 2, 3, 4]],
  ])('give nothing: %s', (_words, bytes) => {
    expect(parseJpegHeader(Uint8Array.from(bytes))).toBeUndefined()
  })

  it('never throw, however they are changed', () => {
    const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.jpg'))
    const random = createRandom(20_260_101)
    for (const name of names) {
      const original = fixture(name)
      if (original.length === 0) continue
      for (let round = 0; round < 60; round++) {
        const bytes = Uint8Array.from(
          original.subarray(0, random() < 0.5 ? undefined : random() * original.length),
        )
        // Most of what is parsed stands in the first kilobyte.
        const reach = random() < 0.7 ? Math.min(1024, bytes.length) : bytes.length
        for (let change = 0; change < 4; change++)
          bytes[Math.floor(random() * reach)] = random() * 256
        const header = parseJpegHeader(bytes)
        if (header !== undefined) expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(header.orientation)
      }
    }
  })
})
