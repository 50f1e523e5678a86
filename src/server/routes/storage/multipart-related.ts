/** `multipart/related`: what a file is, and the file itself, in one body (RFC 2387). */
import { VergerError } from '../../../core/errors.ts'

export interface RelatedBody {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Throws `request_invalid`. Lines may end with a bare line feed, as gcloud sends them. */
export function parseRelated(contentType: string, body: Buffer): RelatedBody {
  const boundary = /boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))/i
    .exec(contentType)
    ?.slice(1)
    .find(Boolean)
  if (boundary === undefined) {
    throw invalid(
      `Expected multipart/related with a boundary, received ${JSON.stringify(contentType)}`,
    )
  }
  const delimiter = Buffer.from(`--${boundary}`)
  const first = body.indexOf(delimiter)
  if (first < 0) throw invalid('Expected the boundary in the body, found none')
  const lineEnd = body[first + delimiter.length] === 13 ? '\r\n' : '\n'
  const inner = Buffer.from(`${lineEnd}--${boundary}`)
  const start = first + delimiter.length + lineEnd.length
  const middle = body.indexOf(inner, start)
  const end = body.lastIndexOf(inner)
  if (middle < 0 || end <= middle) throw invalid('Expected two parts, metadata and a file')
  const described = readPart(body.subarray(start, middle), lineEnd)
  const media = readPart(body.subarray(middle + inner.length + lineEnd.length, end), lineEnd)
  return {
    metadata: parseMetadata(described.content),
    contentType: media.headers.get('content-type') ?? 'application/octet-stream',
    bytes: media.content,
  }
}

function readPart(
  part: Buffer,
  lineEnd: string,
): { readonly headers: ReadonlyMap<string, string>; readonly content: Buffer } {
  const blank = part.indexOf(lineEnd + lineEnd)
  if (blank < 0) throw invalid('Expected an empty line behind the headers of a part')
  const lines = part.subarray(0, blank).toString('latin1').split(lineEnd)
  return {
    headers: new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
      }),
    ),
    content: part.subarray(blank + 2 * lineEnd.length),
  }
}

function parseMetadata(content: Buffer): Readonly<Record<string, unknown>> {
  try {
    const metadata: unknown = JSON.parse(content.toString())
    if (typeof metadata === 'object' && metadata !== null) return { ...metadata }
  } catch {
    // Told below.
  }
  throw invalid('Expected the first part to be a JSON object')
}

const invalid = (message: string): VergerError => new VergerError('request_invalid', message)
