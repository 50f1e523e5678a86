/** Photos as the values of foreign protocols: base64 text in JSON, bytes elsewhere. */
import { decodeBase64 } from './decode-base64.ts'

/** Bytes in which every format that Verger reads, or refuses by name, has one that base64 text has not. */
const HEAD_BYTES = 16
const BASE64_HEAD = /^(?:data:|[A-Za-z0-9+/_=\s-]+$)/

/**
 * Gives the bytes of a photo. Text is base64; bytes are those of the photo or base64 text of it, which cannot be mistaken
 * for each other. `place` names the value in errors. Throws `base64_invalid`.
 */
export function bytesOfValue(value: string | Uint8Array, place: string): Uint8Array {
  if (typeof value === 'string') return decodeBase64(value, place)
  const head = Buffer.from(value.subarray(0, HEAD_BYTES)).toString('latin1')
  return BASE64_HEAD.test(head) ? decodeBase64(Buffer.from(value).toString('latin1'), place) : value
}
