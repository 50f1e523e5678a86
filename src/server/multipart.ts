/** Reads a multipart body whole. */
import type { FastifyRequest } from 'fastify'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import type { Photo } from '../features/featurizer.ts'

export interface NamedPhoto {
  readonly source: string
  /** Gives the bytes, or pixels, at once or once they have come. Throws a VergerError where they do not, or are broken. */
  read(signal?: AbortSignal): Photo | Promise<Photo>
}

/** A photo that came as a file. */
export interface PhotoPart extends NamedPhoto {
  read(): Uint8Array
}

export interface Form {
  /** One for each file part, in their order. */
  readonly photos: readonly PhotoPart[]
  /** The last value of each field. */
  readonly fields: ReadonlyMap<string, string>
}

/** Throws `request_invalid`, `body_too_large` or an error of the multipart plugin, which the error mapper knows. */
export async function readForm(request: FastifyRequest, limits: Limits): Promise<Form> {
  try {
    return await takeParts(request, limits)
  } catch (error) {
    // The parser throws errors with a code for every limit, and plain ones for a body that is not multipart.
    if (error instanceof Error && 'code' in error) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new VergerError('request_invalid', `Expected a whole multipart body: ${reason}`, {
      cause: error,
    })
  }
}

/** A body without a length is bounded here: Fastify bounds only the bodies that it collects itself. */
async function takeParts(request: FastifyRequest, { requestBytes }: Limits): Promise<Form> {
  const photos: PhotoPart[] = []
  const fields = new Map<string, string>()
  let sizeBytes = 0
  for await (const part of request.parts()) {
    if (part.type === 'field') {
      fields.set(part.fieldname, String(part.value))
      continue
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of part.file as AsyncIterable<Uint8Array>) {
      request.holding.take(chunk.length)
      sizeBytes += chunk.length
      if (sizeBytes > requestBytes) throw tooLarge(requestBytes)
      chunks.push(chunk)
    }
    const bytes = Buffer.concat(chunks)
    photos.push({ source: part.filename || part.fieldname, read: () => bytes })
  }
  return { photos, fields }
}

const tooLarge = (maxBytes: number): VergerError =>
  new VergerError('body_too_large', `Expected a body of at most ${maxBytes} bytes, received more`, {
    hint: 'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.',
  })
