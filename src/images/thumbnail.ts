/** Small pictures for reports. */
import { loadSharp } from './load-sharp.ts'

/** Largest side in pixels. */
const SIDE = 96
const QUALITY = 72

/** Gives a photo as a JPEG of at most 96 pixels a side, upright, as a `data:` URL; undefined where it cannot be read. */
export async function makeThumbnail(
  photo: string | (() => Promise<Uint8Array>),
): Promise<string | undefined> {
  try {
    const content = typeof photo === 'string' ? photo : await photo()
    const sharp = await loadSharp()
    const jpeg = await sharp(content, { failOn: 'none' })
      .autoOrient()
      .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .jpeg({ quality: QUALITY })
      .toBuffer()
    return `data:image/jpeg;base64,${jpeg.toString('base64')}`
  } catch {
    return undefined
  }
}
