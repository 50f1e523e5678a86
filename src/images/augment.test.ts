import { describe, expect, it } from 'vitest'
import { augmentPixels, drawAugmentation, UNCHANGED } from './augment.ts'

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
    const same = augmentPixels(photo, UNCHANGED)
    expect(same).toEqual(photo)
    expect(same.data).not.toBe(photo.data)
  })

  it('mirrors within the part that it keeps', () => {
    const crop = { left: 0.34, top: 0.5, width: 0.66, height: 0.5 }
    const { data, width, height } = augmentPixels(photo, { ...UNCHANGED, crop, isMirrored: true })
    expect([width, height]).toEqual([2, 1])
    expect(reds(data)).toEqual([150, 120])
  })

  it('makes levels brighter up to white', () => {
    const { data } = augmentPixels(photo, { ...UNCHANGED, brightness: 2 })
    expect(data[3]).toBe(60)
    expect(data[17]).toBe(255)
  })

  it('moves levels away from the mean grey, and a pixel from its own', () => {
    const data = Uint8Array.of(100, 100, 100, 200, 200, 200)
    const greys = { data, width: 2, height: 1 }
    expect([...augmentPixels(greys, { ...UNCHANGED, contrast: 1.2 }).data]).toEqual([
      90, 90, 90, 210, 210, 210,
    ])
    expect(augmentPixels(greys, { ...UNCHANGED, saturation: 0 })).toEqual(greys)
    const coloured = { data: Uint8Array.of(200, 100, 0), width: 1, height: 1 }
    expect([...augmentPixels(coloured, { ...UNCHANGED, saturation: 0 }).data]).toEqual([
      118, 118, 118,
    ])
  })

  it('hides a part of what it keeps, in grey', () => {
    const hidden = { left: 0.4, top: 0, width: 0.3, height: 0.5 }
    const { data } = augmentPixels(photo, { ...UNCHANGED, hidden })
    expect(reds(data)).toEqual([0, 127, 60, 90, 120, 150])
  })

  it('keeps a pixel of a photo of one', () => {
    const one = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 }
    const crop = { left: 0.3, top: 0.3, width: 0.66, height: 0.66 }
    expect(augmentPixels(one, { ...UNCHANGED, crop })).toEqual(one)
  })
})

describe('drawAugmentation', () => {
  it('stays inside the photo at both ends of what is random', () => {
    for (const value of [0, 0.999999]) {
      const { crop, hidden, ...light } = drawAugmentation({ next: () => value })
      for (const part of [crop, hidden ?? crop]) {
        expect(part.left + part.width).toBeLessThanOrEqual(1)
        expect(part.top + part.height).toBeLessThanOrEqual(1)
      }
      for (const factor of [light.brightness, light.contrast, light.saturation]) {
        expect(factor).toBeGreaterThanOrEqual(0.8)
        expect(factor).toBeLessThanOrEqual(1.2)
      }
    }
  })
})
