/** What a dataset version says about one photo, read from its file or its bytes. */
import { readFileSync, statSync } from 'node:fs'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { sha256 } from '../core/hashes.ts'
import { decodePhoto } from '../images/decode.ts'
import { detectFormat } from '../images/formats.ts'
import { parseJpegHeader } from '../images/jpeg-header.ts'
import { loadSharp } from '../images/load-sharp.ts'
import type { DatasetPhoto } from './manifest.ts'

export type PhotoFacts = Pick<DatasetPhoto, 'sha256' | 'sizeBytes' | 'width' | 'height'>

export interface ReadOptions {
  readonly limits: Pick<Limits, 'photoBytes' | 'photoPixels'>
  /** Whether every row is decoded; otherwise only what looks wrong from outside. */
  readonly decode: boolean
}

/** Side of the usual network: a larger photo is reduced while it is decoded, which costs less and reads every byte. */
const DECODE_SIZE = 224

/**
 * Reads a photo, on the calling thread. Throws `photo_not_found`, `photo_unreadable`, `photo_too_large`, and what
 * `decodePhoto` throws.
 */
export async function readPhotoFacts(
  photo: string | Uint8Array,
  { limits, decode }: ReadOptions,
): Promise<PhotoFacts> {
  const bytes = typeof photo === 'string' ? readBytes(photo, limits.photoBytes) : photo
  if (bytes.length > limits.photoBytes) throw tooLarge(bytes.length, limits.photoBytes)
  const check = () => decodePhoto(bytes, { size: DECODE_SIZE, maxPixels: limits.photoPixels })
  const jpeg = detectFormat(bytes) === 'jpeg' ? parseJpegHeader(bytes) : undefined
  // A header that cannot be read: the decoder knows the word for what is wrong.
  const size = jpeg ?? (await readStoredSize(bytes).catch(check))
  const { width, height } = size
  const isSuspect = jpeg?.isComplete === false || width * height > limits.photoPixels
  if (decode || isSuspect) await check()
  return { sha256: sha256(bytes), sizeBytes: bytes.length, width, height }
}

/** Width and height of a photo as stored, before its orientation is honoured. */
export async function readPhotoSize(bytes: Uint8Array): Promise<{ width: number; height: number }> {
  const jpeg = detectFormat(bytes) === 'jpeg' ? parseJpegHeader(bytes) : undefined
  return jpeg ?? readStoredSize(bytes)
}

/** Width and height as stored, by libvips, which is loaded when the first such photo comes. */
async function readStoredSize(bytes: Uint8Array): Promise<{ width: number; height: number }> {
  const sharp = await loadSharp()
  return sharp(bytes, { limitInputPixels: false }).metadata()
}

/** A file that is no regular one is refused: a pipe would be waited for, and could be read only once. */
function readBytes(file: string, maxBytes: number): Uint8Array {
  try {
    const stats = statSync(file)
    if (!stats.isFile()) {
      throw new VergerError(
        'photo_unreadable',
        `Expected a file at ${file}, received ${stats.isDirectory() ? 'a folder' : 'something else'}`,
        { hint: 'Leave it out of the dataset, or put a photo in its place.' },
      )
    }
    if (stats.size > maxBytes) throw tooLarge(stats.size, maxBytes)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof VergerError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new VergerError('photo_not_found', `Expected a photo at ${file}, found nothing`, {
        hint: 'The file was moved, or a link leads nowhere.',
        cause: error,
      })
    }
    throw new VergerError('photo_unreadable', `Expected a readable photo, received ${message}`, {
      hint: 'Check the permissions of the file and of the folders above it.',
      cause: error,
    })
  }
}

const tooLarge = (sizeBytes: number, maxBytes: number): VergerError =>
  new VergerError(
    'photo_too_large',
    `Expected a photo of at most ${maxBytes} bytes, received ${sizeBytes}`,
    {
      hint: 'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.',
      details: { sizeBytes, maxBytes },
    },
  )
