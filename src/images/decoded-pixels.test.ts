import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodePhoto } from './decode.ts'
import { takePixels } from './decoded-pixels.ts'

const OPTIONS = { size: 224, maxPixels: 100_000_000 }

describe('takePixels', () => {
  it('leaves those of a small photo alone', async () => {
    const pixels = { data: new Uint8Array(2 * 3 * 3), width: 2, height: 3 }
    expect(await takePixels(pixels, OPTIONS)).toBe(pixels)
  })

  it('reduces those of a large photo as its bytes would have been', async () => {
    const bytes = readFileSync(new URL('../../test/fixtures/photos/rgb.png', import.meta.url))
    const whole = await decodePhoto(bytes, OPTIONS)
    const small = { ...OPTIONS, size: 16 }
    expect(await takePixels(whole, small)).toEqual(await decodePhoto(bytes, small))
  })

  it.each([
    ['none', { data: new Uint8Array(), width: 0, height: 4 }, 'photo_empty'],
    ['too few levels', { data: new Uint8Array(17), width: 2, height: 3 }, 'photo_corrupt'],
    ['four channels', { data: new Uint8Array(24), width: 2, height: 3 }, 'photo_corrupt'],
    [
      'too many',
      { data: new Uint8Array(), width: 20_000, height: 20_000 },
      'photo_too_many_pixels',
    ],
  ])('refuses %s', async (_words, pixels, code) => {
    await expect(takePixels(pixels, OPTIONS)).rejects.toMatchObject({ code })
  })
})
