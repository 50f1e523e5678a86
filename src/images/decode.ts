/**
 * Bytes of a photo → RGB pixels: the part of preprocessing that happens outside the graph.
 *
 * The definition, which every other decoder is held against (docs/architecture/02-preprocessing.md):
 * first frame; EXIF orientation honoured; embedded colour profiles ignored, as Pillow and TensorFlow do;
 * grey repeated over the channels; CMYK as (255 − ink)(255 − black) / 255; 16 bits cut to the high byte; alpha over white.
 * A photo of four times the network's size or more is reduced while it is decoded (`planReduction`).
 */
import { VergerError } from '../core/errors.ts'
import { detectFormat, type PhotoFormat } from './formats.ts'
import { decodeJpeg } from './jpeg-decoder.ts'
import { parseJpegHeader } from './jpeg-header.ts'
import { loadSharp } from './load-sharp.ts'

/** RGB pixels, row by row: `data` is `[height, width, 3]`, levels 0 to 255. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

export interface DecodeOptions {
  /** Side of the network's input in pixels; decides how far a big photo is reduced. */
  readonly size: number
  /** Largest accepted width × height. */
  readonly maxPixels: number
}

/** How much larger than the network's input a reduced photo stays, per axis: Pillow's `reducing_gap`. */
export const REDUCING_GAP = 2

/**
 * Decodes a photo by the definition above.
 * Throws `photo_empty`, `photo_format_refused`, `photo_format_unknown`, `photo_too_many_pixels`, `photo_truncated` or `photo_corrupt`.
 */
export async function decodePhoto(bytes: Uint8Array, options: DecodeOptions): Promise<Pixels> {
  const format = detectFormat(bytes)
  const ordinary = format === 'jpeg' ? decodeOrdinaryJpeg(bytes, options) : undefined
  return ordinary ?? decodeAny(bytes, format, options)
}

/** A whole, upright, grey or colour JPEG that needs no reduction; undefined for every other. */
function decodeOrdinaryJpeg(
  bytes: Uint8Array,
  { size, maxPixels }: DecodeOptions,
): Pixels | undefined {
  const header = parseJpegHeader(bytes)
  if (header === undefined) return undefined
  const { width, height, components, orientation, isComplete } = header
  checkPixels(width, height, maxPixels)
  if (!isComplete || orientation !== 1 || (components !== 1 && components !== 3)) return undefined
  if (planReduction(width, height, size) !== undefined) return undefined
  return decodeJpeg(bytes)
}

/** The mirror image, left and right exchanged, as a copy. */
export function mirrorPixels({ data, width, height }: Pixels): Pixels {
  const mirrored = new Uint8Array(data.length)
  let from = 0
  for (let row = 0; row < height; row++) {
    for (let column = width - 1; column >= 0; column--) {
      const to = (row * width + column) * 3
      mirrored[to] = data[from++]!
      mirrored[to + 1] = data[from++]!
      mirrored[to + 2] = data[from++]!
    }
  }
  return { data: mirrored, width, height }
}

/** Every accepted format, by libvips. */
async function decodeAny(
  bytes: Uint8Array,
  format: PhotoFormat,
  options: DecodeOptions,
): Promise<Pixels> {
  const sharp = await loadSharp()
  try {
    // The limit is checked below, with the size in the message.
    const photo = sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: false })
    const header = await photo.metadata()
    checkPixels(header.width, header.height, options.maxPixels)

    const { width, height } = header.autoOrient
    const reduced = planReduction(width, height, options.size)
    photo.autoOrient()
    if (reduced !== undefined) {
      photo.resize(reduced.width, reduced.height, { fit: 'fill', kernel: 'cubic' })
    }
    const isCmyk = header.space === 'cmyk'
    if (isCmyk) photo.pipelineColourspace('cmyk')
    const raw = photo.toColourspace(isCmyk ? 'cmyk' : 'srgb').raw()
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    const { width: decodedWidth, height: decodedHeight, channels } = info
    const rgb = toRgb(data, channels, isCmyk)
    return { data: rgb, width: decodedWidth, height: decodedHeight }
  } catch (error) {
    throw error instanceof VergerError ? error : decodeError(error, format, bytes)
  }
}

/**
 * Size to which a photo is reduced while it is decoded, or undefined where it is small enough already.
 * Each axis is divided by the largest whole number that leaves at least twice `size`, so what enters the graph is below
 * four times `size` on both axes whatever the photo.
 */
export function planReduction(
  width: number,
  height: number,
  size: number,
): { readonly width: number; readonly height: number } | undefined {
  const divisor = (side: number) => Math.max(1, Math.floor(side / (REDUCING_GAP * size)))
  const byX = divisor(width)
  const byY = divisor(height)
  if (byX === 1 && byY === 1) return undefined
  return { width: Math.floor(width / byX), height: Math.floor(height / byY) }
}

/** Throws `photo_too_many_pixels`. */
export function checkPixels(width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return
  throw new VergerError(
    'photo_too_many_pixels',
    `Expected at most ${maxPixels} pixels, received ${width} × ${height} = ${width * height}`,
    {
      hint: 'Resize the photo, or raise VERGER_MAX_PHOTO_PIXELS.',
      details: { width, height, maxPixels },
    },
  )
}

/** `[n, channels]` as libvips gives it → `[n, 3]`. Throws `photo_corrupt` where nobody can tell what a channel means. */
function toRgb(data: Uint8Array, channels: number, isCmyk: boolean): Uint8Array {
  if (isCmyk && channels === 4) return cmykToRgb(data)
  if (!isCmyk && channels === 4) return alphaOverWhite(data)
  if (!isCmyk && channels === 3) return data
  throw new VergerError(
    'photo_corrupt',
    `Expected grey, RGB or CMYK with at most one alpha channel, received ${channels} channels`,
    { hint: 'Save the picture anew as JPEG or PNG.', details: { channels } },
  )
}

/** `[n, 4]` inks in which 255 is full → `[n, 3]`; Pillow's conversion without profiles. */
function cmykToRgb(inks: Uint8Array): Uint8Array {
  const pixels = inks.length / 4
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i++) {
    const paper = 255 - inks[4 * i + 3]!
    for (let channel = 0; channel < 3; channel++) {
      const product = (255 - inks[4 * i + channel]!) * paper
      rgb[3 * i + channel] = Math.round(product / 255)
    }
  }
  return rgb
}

/** `[n, 4]` with straight alpha → `[n, 3]` over white, rounded to the nearest level. */
function alphaOverWhite(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3]!
    const white = 255 * (255 - alpha)
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.round((rgba[from + channel]! * alpha + white) / 255)
    }
  }
  return rgb
}

const TRUNCATED = /premature end|truncated|unexpected end|not enough|read error|short read/i

/** Start of scan and end of image (ITU-T T.81, table B.1). */
const JPEG_SCAN = Buffer.from([0xff, 0xda])
const JPEG_END = Buffer.from([0xff, 0xd9])

/**
 * A PNG is judged by its IEND chunk: libpng says `read error` of a wrong checksum too. A JPEG without an end behind its last
 * scan is cut whatever libvips says: its threads share one place for their messages, and one may take that of another.
 */
function isTruncated(bytes: Uint8Array, format: PhotoFormat, reason: string): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (format === 'png') return !buffer.includes('IEND')
  if (TRUNCATED.test(reason)) return true
  if (format !== 'jpeg') return false
  return !buffer.includes(JPEG_END, Math.max(0, buffer.lastIndexOf(JPEG_SCAN)))
}

function decodeError(error: unknown, format: PhotoFormat, bytes: Uint8Array): VergerError {
  const message = error instanceof Error ? error.message : String(error)
  const reason = message.split('\n')[0] ?? ''
  const sizeBytes = bytes.length
  const truncated = isTruncated(bytes, format, message)
  return new VergerError(
    truncated ? 'photo_truncated' : 'photo_corrupt',
    `Expected a whole ${format.toUpperCase()} photo, received ${sizeBytes} bytes that ${
      truncated ? 'end too early' : 'cannot be decoded'
    } (${reason})`,
    {
      hint: 'Copy or upload the photo again; if a viewer shows it, save it anew as JPEG.',
      details: { format, sizeBytes },
      cause: error,
    },
  )
}
