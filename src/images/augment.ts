/**
 * The same photo as it might have been taken otherwise: nearer, from another place, mirrored, in other light, with something
 * in front of it. What is learned from such photos depends less on how one happened to be taken.
 *
 * Light as Howard 2013 changes it (https://arxiv.org/abs/1312.5402, section 2), what is hidden as random erasing does
 * (Zhong et al. 2017, https://arxiv.org/abs/1708.04896), but in grey.
 *
 * A part is taken of decoded pixels, before the one definition of preprocessing squashes it to the network's side; all else is
 * done to what that gives.
 */
import type { Pixels } from './decode.ts'
import { squashPixels } from './squash.ts'

/** A part of a photo, as shares of its sides from 0 to 1. */
export interface PhotoPart {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Augmentation {
  /** What is kept. */
  readonly crop: PhotoPart
  readonly isMirrored: boolean
  /** What levels are multiplied with. */
  readonly brightness: number
  /** What their distance from the mean grey of what is kept is multiplied with. */
  readonly contrast: number
  /** What the distance of a pixel's levels from its own grey is multiplied with. */
  readonly saturation: number
  /** What becomes grey of that which is kept. */
  readonly hidden?: PhotoPart
}

/** Leaves a photo as it is. */
export const UNCHANGED: Augmentation = {
  crop: { left: 0, top: 0, width: 1, height: 1 },
  isMirrored: false,
  brightness: 1,
  contrast: 1,
  saturation: 1,
}

/** Random numbers in `[0, 1)`. */
interface Source {
  next(): number
}

/** Least share of a side that is kept. */
const LEAST_CROP = 0.5
/** How far each goes from 1. */
const BRIGHTNESS = 0.2
const CONTRAST = 0.15
const SATURATION = 0.15
/** Share of photos of which something is hidden, the least and the largest share of their area, and how oblong it is. */
const HIDDEN_SHARE = 0.3
const LEAST_HIDDEN = 0.02
const MOST_HIDDEN = 0.2
const MOST_OBLONG = 2
/** The level that stands for nothing: networks of Verger take about this one for zero. */
const GREY = 127
/** Of red, green and blue in a grey (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const

/** Draws one. */
export function drawAugmentation(random: Source): Augmentation {
  const around = (reach: number) => 1 + reach * (2 * random.next() - 1)
  const side = LEAST_CROP + (1 - LEAST_CROP) * random.next()
  const crop = placePart(side, side, random)
  const isMirrored = random.next() < 0.5
  const light = {
    brightness: around(BRIGHTNESS),
    contrast: around(CONTRAST),
    saturation: around(SATURATION),
  }
  const hidden = random.next() < HIDDEN_SHARE ? drawHidden(random) : undefined
  return { crop, isMirrored, ...light, ...(hidden && { hidden }) }
}

function drawHidden(random: Source): PhotoPart {
  const area = LEAST_HIDDEN + (MOST_HIDDEN - LEAST_HIDDEN) * random.next()
  const ratio = MOST_OBLONG ** (2 * random.next() - 1)
  return placePart(Math.sqrt(area * ratio), Math.sqrt(area / ratio), random)
}

const placePart = (width: number, height: number, random: Source): PhotoPart => ({
  left: (1 - width) * random.next(),
  top: (1 - height) * random.next(),
  width,
  height,
})

/** `[size, size, 3]`: a photo as a network at this side would see it, had it been taken so; of a part, at least a pixel. */
export function augmentPixels(photo: Pixels, augmentation: Augmentation, size: number): Pixels {
  const seen = squashPixels(cropPixels(photo, augmentation.crop), size)
  // Light is changed and pixels are mirrored where there are fewer of them.
  const levels = changeLight(seen, augmentation)
  if (augmentation.hidden !== undefined) hidePart(levels, augmentation.hidden)
  return levels
}

function cropPixels({ data, width, height }: Pixels, crop: PhotoPart): Pixels {
  const [left, cropWidth] = span(crop.left, crop.width, width)
  const [top, cropHeight] = span(crop.top, crop.height, height)
  const rowBytes = cropWidth * 3
  const kept = new Uint8Array(cropHeight * rowBytes)
  for (let row = 0; row < cropHeight; row++) {
    const start = ((top + row) * width + left) * 3
    kept.set(data.subarray(start, start + rowBytes), row * rowBytes)
  }
  return { data: kept, width: cropWidth, height: cropHeight }
}

/** Fractions of a level that are reckoned with: whole numbers are the fastest to compute with. */
const FRACTIONS = 1 << 16

/**
 * A copy, mirrored where that is asked for. With g a pixel's grey and m their mean, a level becomes
 * brightness · (m + contrast · (g + saturation · (level − g) − m)).
 */
function changeLight(
  { data, width, height }: Pixels,
  {
    isMirrored,
    brightness,
    contrast,
    saturation,
  }: Pick<Augmentation, 'isMirrored' | 'brightness' | 'contrast' | 'saturation'>,
): Pixels {
  const mean = contrast === 1 ? 0 : meanGrey(data)
  const ofGrey = brightness * contrast * (1 - saturation)
  const [ofRed = 0, ofGreen = 0, ofBlue = 0] = LUMA.map((share) =>
    Math.round(FRACTIONS * ofGrey * share),
  )
  const ofLevel = Math.round(FRACTIONS * brightness * contrast * saturation)
  const shift = Math.round(FRACTIONS * (brightness * (1 - contrast) * mean + 0.5))
  // Stops at black and white.
  const levels = new Uint8ClampedArray(data.length)
  for (let row = 0; row < height; row++) {
    let from = row * width * 3
    let to = isMirrored ? from + (width - 1) * 3 : from
    const step = isMirrored ? -3 : 3
    for (let column = 0; column < width; column++, from += 3, to += step) {
      const red = data[from]!
      const green = data[from + 1]!
      const blue = data[from + 2]!
      const grey = ofRed * red + ofGreen * green + ofBlue * blue + shift
      levels[to] = (ofLevel * red + grey) >> 16
      levels[to + 1] = (ofLevel * green + grey) >> 16
      levels[to + 2] = (ofLevel * blue + grey) >> 16
    }
  }
  return { data: new Uint8Array(levels.buffer), width, height }
}

function meanGrey(data: Uint8Array): number {
  let [red, green, blue] = [0, 0, 0]
  for (let at = 0; at < data.length; at += 3) {
    red += data[at]!
    green += data[at + 1]!
    blue += data[at + 2]!
  }
  return (3 * (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)) / data.length
}

/** In place. */
function hidePart({ data, width, height }: Pixels, hidden: PhotoPart): void {
  const [left, columns] = span(hidden.left, hidden.width, width)
  const [top, rows] = span(hidden.top, hidden.height, height)
  for (let row = top; row < top + rows; row++) {
    const start = (row * width + left) * 3
    data.fill(GREY, start, start + columns * 3)
  }
}

/** First position and number of positions of a share of an axis. */
function span(start: number, share: number, size: number): [number, number] {
  const length = Math.max(1, Math.min(size, Math.round(share * size)))
  return [Math.min(size - length, Math.floor(start * size)), length]
}
