/** The bytes of a photo from its file. */
import { readFileSync, statSync } from 'node:fs'
import { VergerError } from '../core/errors.ts'

/**
 * Reads in one go: a worker has nothing else to do, and a synchronous read costs a twentieth of an asynchronous one.
 * Throws `photo_not_found`, `photo_unreadable`, `photo_too_large`.
 */
export function readPhotoFile(path: string, maxBytes: number): Uint8Array {
  try {
    const stats = statSync(path)
    if (!stats.isFile() && !stats.isFIFO()) {
      throw new VergerError(
        'photo_unreadable',
        `Expected a file at ${path}, received something else`,
        {
          hint: 'Name a photo, or a folder that holds photos.',
        },
      )
    }
    checkPhotoSize(stats.size, maxBytes)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof VergerError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new VergerError('photo_not_found', `Expected a photo at ${path}, found nothing`, {
        hint: 'Check the path; names with spaces need quotes.',
        cause: error,
      })
    }
    throw new VergerError('photo_unreadable', `Expected a readable photo, received ${message}`, {
      hint: 'Check the permissions of the file and of the folders above it.',
      cause: error,
    })
  }
}

/** Throws `photo_too_large`. */
export function checkPhotoSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return
  throw new VergerError(
    'photo_too_large',
    `Expected a photo of at most ${maxBytes} bytes, received ${sizeBytes}`,
    {
      hint: 'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.',
      details: { sizeBytes, maxBytes },
    },
  )
}
