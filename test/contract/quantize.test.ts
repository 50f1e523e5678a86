/** A backbone in 8 bit, made from photos and judged on others. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_BACKBONE, findBackbone } from '../../dist/backbones/catalog.js'
import {
  type QuantizeResult,
  quantizeBackbone,
  refusalOf,
} from '../../dist/features/quantize-backbone.js'
import { loadSession } from '../../dist/tensor/session.js'
import { writeSmallDataset } from '../support/small-dataset.ts'

const backbone = findBackbone(DEFAULT_BACKBONE)
let folder: string
let photos: string[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verger-quantize-'))
  photos = (await writeSmallDataset(folder)).map((path) => join(folder, path))
})
afterAll(() => rmSync(folder, { recursive: true }))

const quantize = (wanted: readonly string[]): Promise<QuantizeResult> =>
  quantizeBackbone({ backbone, size: 224, photos: wanted, maxPixels: 1e6 })

describe('quantizeBackbone', () => {
  it('gives a model that sees nearly what the exact one sees, and the same bytes each time', async () => {
    const { model, figures } = await quantize(photos)
    expect(figures.photos).toBe(18)
    expect(figures.worstCosine).toBeGreaterThan(0.95)
    expect(figures.worstCosine).toBeLessThan(1)
    expect(figures.meanCosine).toBeGreaterThan(0.98)
    expect(figures.speedUp).toBeGreaterThan(0)
    expect(model.length).toBeLessThan(backbone.weights.sizeBytes / 2)
    const session = await loadSession(model)
    const image = { data: new Uint8Array(3 * 60 * 50).fill(90), dims: [1, 60, 50, 3] }
    const { features, logits } = await session.run(image, ['features', 'logits'])
    expect([features?.length, logits?.length]).toEqual([1280, 1000])
    await session.close()
    expect(Buffer.from((await quantize(photos)).model).equals(model)).toBe(true)
  })

  it('passes over photos that cannot be read', async () => {
    const broken = join(folder, 'broken.jpg')
    writeFileSync(broken, 'no photo')
    const { figures } = await quantize([...photos, broken, join(folder, 'gone.jpg')])
    expect(figures.photos).toBeGreaterThan(15)
  })

  it('refuses too few photos, naming how many', async () => {
    await expect(quantize(photos.slice(0, 15))).rejects.toMatchObject({
      code: 'dataset_untrainable',
      message: expect.stringContaining('at least 16 photos'),
    })
    const nothing = Array.from({ length: 20 }, (_, place) => join(folder, `gone-${place}.jpg`))
    await expect(quantize(nothing)).rejects.toMatchObject({ code: 'dataset_untrainable' })
  })
})

describe('refusalOf', () => {
  const good = { photos: 60, worstCosine: 0.98, meanCosine: 0.99, speedUp: 1.2 }

  it('accepts what keeps to every limit', () => {
    expect(refusalOf(good)).toBeUndefined()
  })

  it.each([
    [{ worstCosine: 0.979 }, 'one photo'],
    [{ meanCosine: 0.989 }, 'mean cosine of 0.989'],
    [{ speedUp: 1.19 }, '1.19 times as fast'],
  ])('says what falls short: %o', (change, words) => {
    expect(refusalOf({ ...good, ...change })).toContain(words)
  })
})
