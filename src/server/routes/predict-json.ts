/** The JSON form of `POST /predict`. */
import { VergerError } from '../../core/errors.ts'
import type { NamedPhoto } from '../multipart.ts'

type JsonPhoto =
  | string
  | { readonly b64: string; readonly name?: string }
  | { readonly url: string; readonly name?: string }
export interface JsonBody {
  readonly image?: JsonPhoto
  readonly images?: readonly JsonPhoto[]
}

const PHOTO_SCHEMA = {
  description:
    'Base64 text (standard or web-safe, a data: prefix is allowed), an object that holds it, or one with a public ' +
    'http or https URL, where the server was started with VERGER_ALLOW_URLS',
  anyOf: [
    { type: 'string' },
    {
      type: 'object',
      additionalProperties: false,
      properties: { b64: { type: 'string' }, name: { type: 'string' } },
      required: ['b64'],
    },
    {
      type: 'object',
      additionalProperties: false,
      properties: { url: { type: 'string', maxLength: 4096 }, name: { type: 'string' } },
      required: ['url'],
    },
  ],
} as const

export const JSON_BODY_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: { image: PHOTO_SCHEMA, images: { type: 'array', items: PHOTO_SCHEMA } },
} as const

type Fetch = (url: string, signal: AbortSignal | undefined) => Promise<Uint8Array>

/** Gives the photos of a body that follows `JSON_BODY_SCHEMA`; reading one throws `base64_invalid` or what `fetch` throws. */
export function photosOfJson({ image, images = [] }: JsonBody, fetch: Fetch): NamedPhoto[] {
  const named = images.map((each, index) => namedPhoto(each, `images[${index}]`, fetch))
  return image === undefined ? named : [namedPhoto(image, 'image', fetch), ...named]
}

function namedPhoto(photo: JsonPhoto, place: string, fetch: Fetch): NamedPhoto {
  if (typeof photo !== 'string' && 'url' in photo) {
    const { url, name = url } = photo
    return { source: name, read: (signal) => fetch(url, signal) }
  }
  const { b64, name = place } = typeof photo === 'string' ? { b64: photo } : photo
  return { source: name, read: () => decodeBase64(b64, place) }
}

/** Decodes standard or web-safe base64 with or without padding, line breaks and a `data:` prefix (RFC 4648, RFC 2397). */
export function decodeBase64(text: string, place: string): Uint8Array {
  const digits = text.replace(/^data:[^,]*,/, '').replace(/\s+/g, '')
  const wrong = /[^A-Za-z0-9+/_=-]|=(?!=?$)/.exec(digits)
  if (wrong === null && digits.replace(/=+$/, '').length % 4 !== 1)
    return Buffer.from(digits, 'base64')
  const received =
    wrong === null
      ? `${digits.length} characters, which is no possible length`
      : `the character ${JSON.stringify(wrong[0])} at position ${wrong.index}`
  throw new VergerError(
    'base64_invalid',
    `Expected base64 text in ${place}, received ${received}`,
    {
      hint: 'Encode the bytes of the photo, e.g. base64 -w0 photo.jpg',
    },
  )
}
