/**
 * The same photo as it might have been taken otherwise: nearer, from another place, mirrored, brighter or darker. What is
 * learned from such photos depends less on how one happened to be taken.
 *
 * Works on decoded pixels, before the one definition of preprocessing squashes them to the network's side.
 */
import type { Pixels } from './decode.ts'

export interface Augmentation {
  /** Part of the photo that is kept, as shares of its sides from 0 to 1. */
  readonly crop: {
    readonly left: number
    readonly top: number
    readonly width: number
    readonly height: number
  }
  readonly isMirrored: boolean
  /** What levels are multiplied with. */
  readonly brightness: number
}

/** Leaves a photo as it is. */
export const UNCHANGED: Augmentation = {
  crop: { left: 0, top: 0, width: 1, height: 1 },
  isMirrored: false,
  brightness: 1,
}

/** Least share of a side that is kept, and how far brightness goes from 1. */
const LEAST_CROP = 0.66
const BRIGHTNESS = 0.2

/** Draws one; `random` gives numbers in `[0, 1)`. */
export function drawAugmentation(random: { next(): number }): Augmentation {
  const side = LEAST_CROP + (1 - LEAST_CROP) * random.next()
  const crop = {
    left: (1 - side) * random.next(),
    top: (1 - side) * random.next(),
    width: side,
    height: side,
  }
  const isMirrored = random.next() < 0.5
  return { crop, isMirrored, brightness: 1 + BRIGHTNESS * (2 * random.next() - 1) }
}

/** A copy of the pixels that are kept; at least one. */
export function augmentPixels(
  { data, width, height }: Pixels,
  { crop, isMirrored, brightness }: Augmentation,
): Pixels {
  const [left, cropWidth] = span(crop.left, crop.width, width)
  const [top, cropHeight] = span(crop.top, crop.height, height)
  const levels = Uint8Array.from({ length: 256 }, (_, level) =>
    Math.min(255, Math.round(level * brightness)),
  )
  const result = new Uint8Array(cropWidth * cropHeight * 3)
  let to = 0
  for (let row = 0; row < cropHeight; row++) {
    const start = ((top + row) * width + left) * 3
    for (let column = 0; column < cropWidth; column++) {
      const from = start + (isMirrored ? cropWidth - 1 - column : column) * 3
      result[to++] = levels[data[from]!]!
      result[to++] = levels[data[from + 1]!]!
      result[to++] = levels[data[from + 2]!]!
    }
  }
  return { data: result, width: cropWidth, height: cropHeight }
}

/** First position and number of positions of a share of an axis. */
function span(start: number, share: number, size: number): [number, number] {
  const length = Math.max(1, Math.min(size, Math.round(share * size)))
  return [Math.min(size - length, Math.floor(start * size)), length]
}
