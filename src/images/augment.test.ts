import { describe, expect, it } from 'vitest'
import { type Augmentation, augmentPixels, drawAugmentation } from './augment.ts'

const WHOLE: Augmentation = {
  crop: { left: 0, top: 0, width: 1, height: 1 },
  isMirrored: false,
  brightness: 1,
}
/** Two rows of three pixels, whose levels tell where they were. */
const photo = {
  data: Uint8Array.from({ length: 18 }, (_, at) => at * 10),
  width: 3,
  height: 2,
}

/** The first level of each pixel. */
const reds = (data: Uint8Array) => [...data].filter((_, at) => at % 3 === 0)

describe('augmentPixels', () => {
  it('leaves a photo as it is where nothing is asked for, as a copy', () => {
    const same = augmentPixels(photo, WHOLE)
    expect(same).toEqual(photo)
    expect(same.data).not.toBe(photo.data)
  })

  it('mirrors within the part that it keeps', () => {
    const crop = { left: 0.34, top: 0.5, width: 0.66, height: 0.5 }
    const { data, width, height } = augmentPixels(photo, { ...WHOLE, crop, isMirrored: true })
    expect([width, height]).toEqual([2, 1])
    expect(reds(data)).toEqual([150, 120])
  })

  it('makes levels brighter up to white', () => {
    const { data } = augmentPixels(photo, { ...WHOLE, brightness: 2 })
    expect(data[3]).toBe(60)
    expect(data[17]).toBe(255)
  })

  it('keeps a pixel of a photo of one', () => {
    const one = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 }
    const crop = { left: 0.3, top: 0.3, width: 0.66, height: 0.66 }
    expect(augmentPixels(one, { ...WHOLE, crop })).toEqual(one)
  })
})

describe('drawAugmentation', () => {
  it('stays inside the photo at both ends of what is random', () => {
    for (const value of [0, 0.999999]) {
      const { crop, brightness } = drawAugmentation({ next: () => value })
      expect(crop.left + crop.width).toBeLessThanOrEqual(1)
      expect(crop.top + crop.height).toBeLessThanOrEqual(1)
      expect(brightness).toBeGreaterThanOrEqual(0.8)
      expect(brightness).toBeLessThanOrEqual(1.2)
    }
  })
})
