/** Photos → pixels → network input, held against the golden pixels that scripts/fixtures/golden.py made. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import ort from 'onnxruntime-node'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodePhoto, type Pixels } from '../../dist/images/decode.js'
import { decodeJpeg } from '../../dist/images/jpeg-decoder.js'
import { parseJpegHeader } from '../../dist/images/jpeg-header.js'
import { emitPreprocessing } from '../../dist/images/preprocess-graph.js'
import { createGraphBuilder } from '../../dist/tensor/graph-builder.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS, sample } from './datasets.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)
const SIZE = 224
const OPTIONS = { size: SIZE, maxPixels: 100_000_000 }

interface Golden {
  readonly fixture: string
  readonly width: number
  readonly height: number
  readonly reduced: boolean
  readonly golden: string
  readonly sample: Readonly<Record<'rowStart' | 'rowStep' | 'columnStart' | 'columnStep', number>>
  /** Largest and mean difference in levels of 255; null where there is no limit. */
  readonly tolerance: { readonly maxLevel: number | null; readonly meanLevel: number | null }
  readonly decoded: string | null
}

const read = (path: string): Buffer => readFileSync(new URL(path, FIXTURES))
const readGolden = (name: string): Buffer => gunzipSync(read(`golden/${name}`))
const goldens: readonly Golden[] = JSON.parse(read('golden/index.json').toString())
const decodeFixture = (name: string) => decodePhoto(read(`photos/${name}`), OPTIONS)

/** The preprocessing alone, without normalisation: levels in, levels out. */
async function createPreprocessing(): Promise<(pixels: Pixels) => Promise<Float32Array>> {
  const graph = createGraphBuilder('preprocessing')
  const image = graph.input('image', 'uint8', ['n', 'height', 'width', 3])
  const levels = emitPreprocessing(graph, image, { size: SIZE, mean: 0, divisor: 1 })
  graph.output('levels', levels, 'float32', ['n', 3, SIZE, SIZE])
  const session = await ort.InferenceSession.create(graph.encode())
  return async ({ data, width, height }) => {
    const results = await session.run({
      image: new ort.Tensor('uint8', data, [1, height, width, 3]),
    })
    return results['levels']?.data as Float32Array
  }
}
const preprocessing = createPreprocessing()

/** Differences of `levels` `[3, 224, 224]` from the sampled golden `[rows, columns, 3]`. */
function compare(levels: Float32Array, golden: Buffer, { sample }: Golden) {
  let largest = 0
  let sum = 0
  let count = 0
  for (let row = sample.rowStart; row < SIZE; row += sample.rowStep) {
    for (let column = sample.columnStart; column < SIZE; column += sample.columnStep) {
      for (let channel = 0; channel < 3; channel++) {
        const level = levels[(channel * SIZE + row) * SIZE + column] ?? Number.NaN
        const difference = Math.abs(level - (golden[count++] ?? Number.NaN))
        largest = Math.max(largest, difference)
        sum += difference
      }
    }
  }
  expect(count).toBe(golden.length)
  return { largest, mean: sum / count }
}

describe('the network input', () => {
  it.each(goldens)('of $fixture is within its tolerance of the golden', async (entry) => {
    const pixels = await decodeFixture(entry.fixture)
    const levels = await (await preprocessing)(pixels)
    const { largest, mean } = compare(levels, readGolden(entry.golden), entry)
    expect(mean).toBeLessThanOrEqual(entry.tolerance.meanLevel ?? 0.5)
    expect(largest).toBeLessThanOrEqual(entry.tolerance.maxLevel ?? 255)
  })

  it.each(goldens.filter(({ reduced }) => !reduced))(
    'of $fixture comes from its upright size',
    async (entry) => {
      const { width, height } = await decodeFixture(entry.fixture)
      expect([width, height]).toEqual([entry.width, entry.height])
    },
  )
})

describe('the decoded pixels', () => {
  it.each(goldens.filter(({ decoded }) => decoded !== null))(
    'of $fixture are exactly the golden ones',
    async (entry) => {
      const { data } = await decodeFixture(entry.fixture)
      expect(Buffer.compare(data, readGolden(entry.decoded ?? ''))).toBe(0)
    },
  )
})

/** Named after the sampling of their chroma; made by scripts/jpeg-decoder/make-fixtures.sh. */
const SAMPLINGS = readdirSync(new URL('jpegs/', FIXTURES))

/** Whole numbers below a limit, the same for the same seed (Knuth's linear congruential generator). */
function seededRandom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** What libvips makes of an upright photo, by the options of `decodePhoto`. */
async function decodeByLibvips(bytes: Uint8Array): Promise<Uint8Array> {
  return sharp(bytes, { ignoreIcc: true, failOn: 'error' }).toColourspace('srgb').raw().toBuffer()
}

describe('the decoder of ordinary JPEGs', () => {
  it.each(['baseline.jpg', 'progressive.jpg', 'grey.jpg', 'display-p3.jpg'])(
    'gives the pixels of libvips for %s, and is the one that is used',
    async (name) => {
      const bytes = read(`photos/${name}`)
      const pixels = decodeJpeg(bytes)
      expect(pixels).toBeDefined()
      const byLibvips = await decodeByLibvips(bytes)
      expect(Buffer.compare(pixels?.data ?? new Uint8Array(), byLibvips)).toBe(0)
      expect(Buffer.compare((await decodeFixture(name)).data, byLibvips)).toBe(0)
    },
  )

  it.each(SAMPLINGS.filter((name) => name !== 'arithmetic.jpg'))(
    'gives the pixels of libvips for jpegs/%s',
    async (name) => {
      const bytes = read(`jpegs/${name}`)
      const pixels = decodeJpeg(bytes)
      expect(pixels).toMatchObject({ width: 60, height: 45 })
      expect(Buffer.compare(pixels?.data ?? new Uint8Array(), await decodeByLibvips(bytes))).toBe(0)
    },
  )

  it.each([
    'photos/truncated.jpg',
    'photos/header-only.jpg',
    'photos/cmyk.jpg',
    'photos/empty.jpg',
  ])('gives nothing for %s, and goes on', (name) => {
    expect(decodeJpeg(read(name))).toBeUndefined()
    expect(decodeJpeg(read('photos/baseline.jpg'))).toBeDefined()
  })

  it('leaves arithmetic coding to libvips', async () => {
    const bytes = read('jpegs/arithmetic.jpg')
    expect(decodeJpeg(bytes)).toBeUndefined()
    const { data } = await decodePhoto(bytes, OPTIONS)
    expect(Buffer.compare(data, await decodeByLibvips(bytes))).toBe(0)
  })

  it('gives nothing for a photo that ends between two scans', () => {
    const whole = read('photos/progressive.jpg')
    const lastScan = whole.lastIndexOf(Buffer.from([0xff, 0xda]))
    const cut = whole.subarray(0, whole.lastIndexOf(Buffer.from([0xff, 0xc4]), lastScan))
    expect(decodeJpeg(cut)).toBeUndefined()
  })

  it('goes on after a photo for which its memory had to grow', async () => {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
    const create = { width: 2601, height: 2101, channels: 3, background: 'white', noise } as const
    const big = await sharp({ create }).jpeg({ progressive: true }).toBuffer()
    const isEqual = Buffer.compare(decodeJpeg(big)?.data ?? big, await decodeByLibvips(big))
    expect(isEqual).toBe(0)
    expect(decodeJpeg(read('photos/baseline.jpg'))).toBeDefined()
  })

  it('answers 1,000 changed photos as libvips or not at all', async () => {
    const whole = ['baseline', 'progressive', 'grey'].map((name) => read(`photos/${name}.jpg`))
    const random = seededRandom(1)
    const different: number[] = []
    let answered = 0
    for (let round = 0; round < 1000; round++) {
      const bytes = Buffer.from(whole[round % whole.length] ?? [])
      const reach = round % 2 === 0 ? 600 : bytes.length
      bytes[2 + random(reach - 2)] = random(256)
      const { width = 0, height = 0 } = parseJpegHeader(bytes) ?? {}
      const pixels = width * height > 1e6 ? undefined : decodeJpeg(bytes)
      if (pixels === undefined || answered++ % 4 !== 0) continue
      const byLibvips = await decodeByLibvips(bytes).catch(() => undefined)
      if (byLibvips && Buffer.compare(pixels.data, byLibvips) !== 0) different.push(round)
    }
    expect(answered).toBeGreaterThan(100)
    expect(different).toEqual([])
  })

  describe.skipIf(!hasDatasets('grocery-store', 'fruits-360-sample'))(
    `on real photos ${NEEDS_DATASETS}`,
    () => {
      it.each(['grocery-store/val', 'fruits-360-sample'])(
        'gives the pixels of libvips for 200 photos of %s',
        async (folder) => {
          const paths = sample(findJpegs(folder), 200)
          expect(paths).toHaveLength(200)
          const different: string[] = []
          for (const path of paths) {
            const bytes = readFileSync(path)
            const pixels = decodeJpeg(bytes)
            const isEqual =
              pixels !== undefined &&
              Buffer.compare(pixels.data, await decodeByLibvips(bytes)) === 0
            if (!isEqual) different.push(path)
          }
          expect(different).toEqual([])
        },
      )
    },
  )
})
