/** Photos → pixels → network input, held against the golden pixels that scripts/fixtures/golden.py made. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import ort from 'onnxruntime-node'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodePhoto, type Pixels } from '../../dist/images/decode.js'
import { loadJpegDecoder } from '../../dist/images/jpeg-decoder.js'
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

/** What libvips makes of an upright photo, by the options of `decodePhoto`. */
async function decodeByLibvips(bytes: Uint8Array): Promise<Uint8Array> {
  return sharp(bytes, { ignoreIcc: true, failOn: 'error' }).toColourspace('srgb').raw().toBuffer()
}

describe('the decoder of ordinary JPEGs', () => {
  it.each(['baseline.jpg', 'progressive.jpg', 'grey.jpg', 'display-p3.jpg'])(
    'gives the pixels of libvips for %s, and is the one that is used',
    async (name) => {
      const bytes = read(`photos/${name}`)
      const pixels = await (await loadJpegDecoder()).decode(bytes)
      expect(pixels).toBeDefined()
      const byLibvips = await decodeByLibvips(bytes)
      expect(Buffer.compare(pixels?.data ?? new Uint8Array(), byLibvips)).toBe(0)
      expect(Buffer.compare((await decodeFixture(name)).data, byLibvips)).toBe(0)
    },
  )

  it.each(['truncated.jpg', 'header-only.jpg'])('gives nothing for %s', async (name) => {
    expect(await (await loadJpegDecoder()).decode(read(`photos/${name}`))).toBeUndefined()
  })

  describe.skipIf(!hasDatasets('grocery-store', 'fruits-360-sample'))(
    `on real photos ${NEEDS_DATASETS}`,
    () => {
      it.each(['grocery-store/val', 'fruits-360-sample'])(
        'gives the pixels of libvips for 200 photos of %s',
        async (folder) => {
          const decoder = await loadJpegDecoder()
          const paths = sample(findJpegs(folder), 200)
          expect(paths).toHaveLength(200)
          const different: string[] = []
          for (const path of paths) {
            const bytes = readFileSync(path)
            const pixels = await decoder.decode(bytes)
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
