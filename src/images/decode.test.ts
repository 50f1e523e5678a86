import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodePhoto, mirrorPixels, planReduction } from './decode.ts'

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/fixtures/photos/${name}`, import.meta.url))
const OPTIONS = { size: 224, maxPixels: 100_000_000 }

describe('planReduction', () => {
  it.each([
    ['leaves a small photo alone', 160, 120, undefined],
    ['leaves a photo just below four times the size alone', 895, 895, undefined],
    ['halves a photo of four times the size', 896, 896, { width: 448, height: 448 }],
    ['divides each axis by its own number', 1801, 1351, { width: 450, height: 450 }],
    ['leaves the short axis of a strip alone', 2000, 3, { width: 500, height: 3 }],
    ['leaves one pixel alone', 1, 1, undefined],
    ['reduces a phone photo', 4032, 3024, { width: 448, height: 504 }],
  ])('%s', (_words, width, height, reduced) => {
    expect(planReduction(width, height, 224)).toEqual(reduced)
  })

  it('leaves at least twice and less than four times the size', () => {
    for (let side = 896; side < 20_000; side += 37) {
      const reduced = planReduction(side, 100, 224)
      expect(reduced?.height).toBe(100)
      expect(reduced?.width).toBeGreaterThanOrEqual(448)
      expect(reduced?.width).toBeLessThan(896)
    }
  })
})

describe('a photo that cannot be decoded', () => {
  it.each([
    ['a JPEG cut short', 'truncated.jpg', 'photo_truncated'],
    ['a JPEG without pixels', 'header-only.jpg', 'photo_truncated'],
    ['a PNG cut short', 'truncated.png', 'photo_truncated'],
    ['a PNG with a wrong checksum', 'corrupt.png', 'photo_corrupt'],
    ['a bomb', 'bomb.png', 'photo_too_many_pixels'],
  ])('is told apart: %s', async (_words, name, code) => {
    await expect(decodePhoto(fixture(name), OPTIONS)).rejects.toMatchObject({ code })
  })

  it('is told apart: an interlaced PNG cut short', async () => {
    const bytes = fixture('interlaced.png')
    const cut = decodePhoto(bytes.subarray(0, bytes.length / 2), OPTIONS)
    await expect(cut).rejects.toMatchObject({ code: 'photo_truncated' })
  })

  it.each(['baseline.jpg', 'exif-6.jpg', 'rgb.png'])(
    'names the size that is too large: %s',
    async (name) => {
      await expect(
        decodePhoto(fixture(name), { size: 224, maxPixels: 19_199 }),
      ).rejects.toMatchObject({
        code: 'photo_too_many_pixels',
        details: { maxPixels: 19_199 },
      })
    },
  )
})

describe('mirrorPixels', () => {
  const draw = (width: number, height: number) => ({
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 251),
    width,
    height,
  })

  it.each([
    [1, 1],
    [1, 5],
    [5, 1],
    [2, 3],
    [7, 4],
    [0, 0],
  ])('is undone by itself: %d × %d', (width, height) => {
    const pixels = draw(width, height)
    const before = pixels.data.slice()
    expect(mirrorPixels(mirrorPixels(pixels))).toEqual(pixels)
    expect(pixels.data).toEqual(before)
  })

  it('exchanges left and right, and leaves rows and colours in their order', () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    expect([...mirrorPixels({ data, width: 2, height: 2 }).data]).toEqual([
      4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9,
    ])
    expect([...mirrorPixels({ data, width: 1, height: 4 }).data]).toEqual([...data])
  })
})
