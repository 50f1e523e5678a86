/** Tells an image format from its first bytes; names of files and content types are never trusted. */
import { VergerError } from '../core/errors.ts'

/** Formats that Verger reads. */
export const PHOTO_FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff'] as const
export type PhotoFormat = (typeof PHOTO_FORMATS)[number]

/** File extensions by which a folder is searched for photos, refused formats included so that none goes missing in silence. */
export const PHOTO_EXTENSIONS = [
  ...['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'gif', 'tif', 'tiff'],
  ...['heic', 'heif', 'avif', 'bmp', 'jxl', 'jp2'],
] as const

/** Formats that people call photos or pictures and that Verger refuses, with a word on what to do. */
const REFUSED_FORMATS = {
  heic: 'HEIC',
  avif: 'AVIF',
  bmp: 'BMP',
  jxl: 'JPEG XL',
  jpeg2000: 'JPEG 2000',
  svg: 'SVG',
  pdf: 'PDF',
  ico: 'ICO',
  psd: 'Photoshop',
  video: 'video',
} as const
type RefusedFormat = keyof typeof REFUSED_FORMATS

const ACCEPTED = 'JPEG, PNG, WebP, GIF or TIFF'

/**
 * Gives the format of a photo by its signature.
 * Throws `photo_empty`, `photo_format_refused` (a known format that is not read) or `photo_format_unknown`.
 */
export function detectFormat(bytes: Uint8Array): PhotoFormat {
  if (bytes.length === 0) {
    throw new VergerError('photo_empty', `Expected a photo (${ACCEPTED}), received 0 bytes`, {
      hint: 'Check that the file was copied or uploaded in full.',
    })
  }
  const format = acceptedFormat(bytes)
  if (format !== undefined) return format
  const refused = refusedFormat(bytes)
  if (refused !== undefined) {
    const name = REFUSED_FORMATS[refused]
    throw new VergerError('photo_format_refused', `Expected ${ACCEPTED}, received ${name}`, {
      hint:
        refused === 'heic'
          ? 'Export the photo as JPEG; on an iPhone choose Settings > Camera > Formats > Most Compatible.'
          : 'Convert the picture to JPEG or PNG first.',
      details: { format: refused, accepted: PHOTO_FORMATS },
    })
  }
  throw new VergerError(
    'photo_format_unknown',
    `Expected ${ACCEPTED}, received ${bytes.length} bytes that start with ${describeStart(bytes)}`,
    { hint: 'Open the file in a viewer to see what it is.', details: { accepted: PHOTO_FORMATS } },
  )
}

function acceptedFormat(bytes: Uint8Array): PhotoFormat | undefined {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg'
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png'
  const text = ascii(bytes, 0, 12)
  if (text.startsWith('RIFF') && text.endsWith('WEBP')) return 'webp'
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif'
  if (startsWith(bytes, [0x49, 0x49, 0x2a, 0]) || startsWith(bytes, [0x4d, 0x4d, 0, 0x2a])) {
    return 'tiff'
  }
  return undefined
}

function refusedFormat(bytes: Uint8Array): RefusedFormat | undefined {
  const text = ascii(bytes, 0, 512)
  if (text.slice(4, 8) === 'ftyp') return isoMediaFormat(text)
  if (text.startsWith('BM') && startsWith(bytes.subarray(6), [0, 0, 0, 0])) return 'bmp'
  if (text.startsWith('%PDF')) return 'pdf'
  if (text.startsWith('8BPS')) return 'psd'
  if (
    /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[\s\S]*?)?(?:<!--[\s\S]*?-->\s*|<!DOCTYPE svg[\s\S]*?)?<svg[\s>]/.test(
      text,
    )
  )
    return 'svg'
  if (startsWith(bytes, [0xff, 0x0a]) || text.slice(4, 8) === 'JXL ') return 'jxl'
  if (text.slice(4, 8) === 'jP  ' || startsWith(bytes, [0xff, 0x4f, 0xff, 0x51])) return 'jpeg2000'
  if (startsWith(bytes, [0, 0, 1, 0])) return 'ico'
  return undefined
}

/** Brands of ISO/IEC 14496-12 files: the major one stands at byte 8, compatible ones from byte 16. */
function isoMediaFormat(text: string): RefusedFormat {
  const brands = text.slice(8, 40)
  if (/avif|avis/.test(brands)) return 'avif'
  if (/hei[cxmsf]|hev[cxms]|mif1|msf1/.test(brands)) return 'heic'
  return 'video'
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte)
}

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end))
}

function describeStart(bytes: Uint8Array): string {
  const text = ascii(bytes, 0, 12)
  if (/^[\x20-\x7e\s]+$/.test(text)) return `the text ${JSON.stringify(text)}`
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
