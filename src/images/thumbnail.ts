/** Small pictures for reports. */
import type { Pixels } from './decode.ts'
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
    return toDataUrl(jpeg)
  } catch {
    return undefined
  }
}

/** Largest side of pixels that are shown as they are, and their quality. */
const SHOWN_SIDE = 320
const SHOWN_QUALITY = 85

/** Gives pixels as a JPEG of at most 320 a side, as a `data:` URL. */
export async function pictureOf({ data, width, height }: Pixels): Promise<string> {
  const sharp = await loadSharp()
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(SHOWN_SIDE, SHOWN_SIDE, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: SHOWN_QUALITY, chromaSubsampling: '4:4:4' })
    .toBuffer()
  return toDataUrl(jpeg)
}

const toDataUrl = (jpeg: Buffer): string => `data:image/jpeg;base64,${jpeg.toString('base64')}`
