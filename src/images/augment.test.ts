import { describe, expect, it } from 'vitest'
import { augmentPixels, drawAugmentation, UNCHANGED } from './augment.ts'
import { squashPixels } from './squash.ts'

/** Three rows of three pixels, whose levels tell where they were. */
const photo = {
  data: Uint8Array.from({ length: 27 }, (_, at) => at * 9),
  width: 3,
  height: 3,
}

/** The first level of each pixel. */
const reds = (data: Uint8Array) => [...data].filter((_, at) => at % 3 === 0)

describe('augmentPixels', () => {
  it('leaves a photo as it is where nothing is asked for, as a copy', () => {
    const same = augmentPixels(photo, UNCHANGED, 3)
    expect(same).toEqual(photo)
    expect(same.data).not.toBe(photo.data)
  })

  it('mirrors within the part that it keeps', () => {
    const crop = { left: 0.34, top: 0.34, width: 0.66, height: 0.66 }
    const { data, width, height } = augmentPixels(
      photo,
      { ...UNCHANGED, crop, isMirrored: true },
      2,
    )
    expect([width, height]).toEqual([2, 2])
    expect(reds(data)).toEqual([135, 108, 216, 189])
  })

  it('gives the side that is asked for as the network would', () => {
    const crop = { left: 0, top: 0, width: 0.66, height: 0.66 }
    const kept = Uint8Array.of(0, 9, 18, 27, 36, 45, 81, 90, 99, 108, 117, 126)
    expect(augmentPixels(photo, { ...UNCHANGED, crop }, 5)).toEqual(
      squashPixels({ data: kept, width: 2, height: 2 }, 5),
    )
  })

  it('makes levels brighter up to white', () => {
    const { data } = augmentPixels(photo, { ...UNCHANGED, brightness: 2 }, 3)
    expect(data[3]).toBe(54)
    expect(data[26]).toBe(255)
  })

  it('moves levels away from the mean grey, and a pixel from its own', () => {
    const levels = (grey: number) => Array<number>(6).fill(grey)
    const greys = { data: Uint8Array.of(...levels(100), ...levels(200)), width: 2, height: 2 }
    const { data } = augmentPixels(greys, { ...UNCHANGED, contrast: 1.2 }, 2)
    expect([...data]).toEqual([...levels(90), ...levels(210)])
    expect(augmentPixels(greys, { ...UNCHANGED, saturation: 0 }, 2)).toEqual(greys)
    const coloured = { data: Uint8Array.of(200, 100, 0), width: 1, height: 1 }
    expect([...augmentPixels(coloured, { ...UNCHANGED, saturation: 0 }, 1).data]).toEqual([
      118, 118, 118,
    ])
  })

  it('computes light to half a level', () => {
    const data = Uint8Array.from({ length: 3 * 64 }, (_, at) => (at * 97) % 256)
    const light = { brightness: 0.87, contrast: 1.13, saturation: 0.91 }
    const changed = augmentPixels({ data, width: 8, height: 8 }, { ...UNCHANGED, ...light }, 8)
    const greyOf = (at: number) =>
      0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0)
    const mean =
      Array.from({ length: 64 }, (_, pixel) => greyOf(3 * pixel)).reduce(
        (sum, grey) => sum + grey,
      ) / 64
    for (const [at, level] of changed.data.entries()) {
      const grey = greyOf(3 * Math.floor(at / 3))
      const { brightness, contrast, saturation } = light
      const exact =
        brightness * (mean + contrast * (grey + saturation * ((data[at] ?? 0) - grey) - mean))
      expect(Math.abs(level - Math.max(0, Math.min(255, exact)))).toBeLessThan(0.51)
    }
  })

  it('hides a part of what it keeps, in grey', () => {
    const hidden = { left: 0.4, top: 0, width: 0.3, height: 0.34 }
    const { data } = augmentPixels(photo, { ...UNCHANGED, hidden }, 3)
    expect(reds(data)).toEqual([0, 127, 54, 81, 108, 135, 162, 189, 216])
  })

  it('keeps a pixel of a photo of one', () => {
    const one = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 }
    const crop = { left: 0.3, top: 0.3, width: 0.66, height: 0.66 }
    expect(augmentPixels(one, { ...UNCHANGED, crop }, 1)).toEqual(one)
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
