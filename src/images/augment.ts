/**
 * The same photo as it might have been taken otherwise: nearer, from another place, mirrored, in other light, with something
 * in front of it. What is learned from such photos depends less on how one happened to be taken.
 *
 * Light as Howard 2013 changes it (https://arxiv.org/abs/1312.5402, section 2), what is hidden as random erasing does
 * (Zhong et al. 2017, https://arxiv.org/abs/1708.04896), but in grey.
 *
 * Works on decoded pixels, before the one definition of preprocessing squashes them to the network's side.
 */
import type { Pixels } from './decode.ts'

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

/** A copy of the pixels that are kept; at least one. */
export function augmentPixels(photo: Pixels, augmentation: Augmentation): Pixels {
  const kept = cropPixels(photo, augmentation)
  changeLight(kept.data, augmentation)
  const { hidden } = augmentation
  if (hidden !== undefined) hidePart(kept, hidden)
  return kept
}

function cropPixels(
  { data, width, height }: Pixels,
  { crop, isMirrored }: Pick<Augmentation, 'crop' | 'isMirrored'>,
): Pixels {
  const [left, cropWidth] = span(crop.left, crop.width, width)
  const [top, cropHeight] = span(crop.top, crop.height, height)
  const result = new Uint8Array(cropWidth * cropHeight * 3)
  let to = 0
  for (let row = 0; row < cropHeight; row++) {
    const start = ((top + row) * width + left) * 3
    for (let column = 0; column < cropWidth; column++) {
      const from = start + (isMirrored ? cropWidth - 1 - column : column) * 3
      result[to++] = data[from]!
      result[to++] = data[from + 1]!
      result[to++] = data[from + 2]!
    }
  }
  return { data: result, width: cropWidth, height: cropHeight }
}

/** In place. With g a pixel's grey and m their mean: brightness · (m + contrast · (g + saturation · (level − g) − m)). */
function changeLight(
  data: Uint8Array,
  {
    brightness,
    contrast,
    saturation,
  }: Pick<Augmentation, 'brightness' | 'contrast' | 'saturation'>,
): void {
  const [ofRed, ofGreen, ofBlue] = LUMA
  let sum = 0
  if (contrast !== 1) {
    for (let at = 0; at < data.length; at += 3) {
      sum += ofRed * data[at]! + ofGreen * data[at + 1]! + ofBlue * data[at + 2]!
    }
  }
  const mean = (3 * sum) / data.length
  const ofLevel = brightness * contrast * saturation
  const ofGrey = brightness * contrast * (1 - saturation)
  const shift = brightness * (1 - contrast) * mean
  // Rounds and stops at black and white.
  const levels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length)
  for (let at = 0; at < levels.length; at += 3) {
    const red = levels[at]!
    const green = levels[at + 1]!
    const blue = levels[at + 2]!
    const grey = ofGrey * (ofRed * red + ofGreen * green + ofBlue * blue) + shift
    levels[at] = ofLevel * red + grey
    levels[at + 1] = ofLevel * green + grey
    levels[at + 2] = ofLevel * blue + grey
  }
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
