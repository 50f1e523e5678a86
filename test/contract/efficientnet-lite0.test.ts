import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { openPredictor, type Predictor, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import {
  type Featurizer,
  openFeaturizer,
  type PhotoOutputs,
} from '../../dist/features/featurizer.js'
import { findJpegs, hasDatasets, NEEDS_DATASETS } from './datasets.ts'

const { limits } = readConfig({})
const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/photos/${name}`, import.meta.url))

describe.skipIf(!hasDatasets('grocery-store'))(
  `EfficientNet-Lite0 in the shop ${NEEDS_DATASETS}`,
  () => {
    let predictor: Predictor
    beforeAll(() => {
      predictor = openPredictor({ workers: Math.min(2, availableParallelism()), limits })
    })
    afterAll(() => predictor.close())

    it.each([
      { fruit: 'Apple/Granny-Smith', label: 'Granny_Smith', share: 0.95 },
      { fruit: 'Banana', label: 'banana', share: 0.88 },
      { fruit: 'Pineapple', label: 'pineapple', share: 0.93 },
      { fruit: 'Lemon', label: 'lemon', share: 0.82 },
    ])('names at least $share of $fruit right', async ({ fruit, label, share }) => {
      const paths = findJpegs(
        ...['train', 'val'].map((part) => `grocery-store/${part}/Fruit/${fruit}`),
      )
      expect(paths.length).toBeGreaterThan(20)
      const answers = await Promise.all(
        paths.map((path) => predictor.predict({ source: path, photo: path, top: 1 })),
      )
      const right = answers.filter(({ top }) => top[0]?.label === label).length
      expect(right / paths.length).toBeGreaterThanOrEqual(share)
    })
  },
)

describe('the outputs of a photo', () => {
  const NAMES = ['features', 'logits']
  const PHOTOS = ['baseline.jpg', 'large.jpg', 'alpha.png']
  const backbone = findBackbone('efficientnet-lite0')
  let alone: Featurizer
  let beside: Featurizer
  const expected = new Map<string, PhotoOutputs>()
  beforeAll(async () => {
    alone = openFeaturizer({ backbone, workers: 1, limits })
    beside = openFeaturizer({ backbone, workers: 2, limits })
    for (const name of PHOTOS) expected.set(name, await outputsOf(alone, name))
  })
  afterAll(() => Promise.all([alone.close(), beside.close()]))

  it.each(PHOTOS)('are 1280 features and 1000 logits, all finite: %s', (name) => {
    const { features, logits } = expected.get(name) ?? {}
    expect([features?.length, logits?.length]).toEqual([1280, 1000])
    for (const value of [...(features ?? []), ...(logits ?? [])])
      expect(Number.isFinite(value)).toBe(true)
    expect(Math.min(...(features ?? [-1]))).toBeGreaterThanOrEqual(0)
  })

  it.each(PHOTOS)(
    'are the same bits on one worker and on two, again and again: %s',
    async (name) => {
      const again = Array.from({ length: 8 }, () => outputsOf(beside, name))
      const runs = [await outputsOf(alone, name), ...(await Promise.all(again))]
      for (const outputs of runs) expect(bitsOf(outputs)).toEqual(bitsOf(expected.get(name)))
    },
  )

  it('differ from photo to photo', () => {
    const bits = PHOTOS.map((name) => bitsOf(expected.get(name)))
    expect(new Set(bits).size).toBe(PHOTOS.length)
  })

  /** One view is asked for, so one answer comes. */
  async function outputsOf(featurizer: Featurizer, name: string): Promise<PhotoOutputs> {
    const [outputs = {}] = await featurizer.run(fixture(name), NAMES)
    return outputs
  }

  function bitsOf(outputs: PhotoOutputs | undefined): string {
    const values = NAMES.map((name) => outputs?.[name] ?? new Float32Array())
    return values
      .map(({ buffer, byteOffset, byteLength }) =>
        Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
      )
      .join()
  }
})
