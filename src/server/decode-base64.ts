import { VergerError } from '../core/errors.ts'

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
