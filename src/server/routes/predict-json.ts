/** The JSON form of `POST /predict`. */
import { decodeBase64 } from '../decode-base64.ts'
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
