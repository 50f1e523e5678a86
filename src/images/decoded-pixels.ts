/** Pixels that somebody else has decoded → the pixels that a photo with them would have given. */
import { VergerError } from '../core/errors.ts'
import { checkPixels, type DecodeOptions, type Pixels, planReduction } from './decode.ts'
import { loadSharp } from './load-sharp.ts'

/**
 * Checks pixels and reduces those of a large photo as `decodePhoto` does.
 * Throws `photo_empty`, `photo_too_many_pixels`, or `photo_corrupt` where there are more or fewer levels than pixels.
 */
export async function takePixels(pixels: Pixels, options: DecodeOptions): Promise<Pixels> {
  const { data, width, height } = pixels
  if (width === 0 || height === 0) {
    throw new VergerError('photo_empty', `Expected pixels, received ${width} × ${height} of them`)
  }
  checkPixels(width, height, options.maxPixels)
  if (data.length !== width * height * 3) {
    throw new VergerError(
      'photo_corrupt',
      `Expected ${width} × ${height} × 3 = ${width * height * 3} levels, received ${data.length}`,
      { hint: 'Send red, green and blue of each pixel, row by row, as levels from 0 to 255.' },
    )
  }
  const reduced = planReduction(width, height, options.size)
  if (reduced === undefined) return pixels
  const sharp = await loadSharp()
  const { data: fewer, info } = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(reduced.width, reduced.height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data: fewer, width: info.width, height: info.height }
}
