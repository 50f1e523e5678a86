/**
 * The text of a token: `vgr_`, 256 random bits, and a checksum of both. The prefix lets scanners find a token that was
 * committed somewhere, the checksum tells one that was cut off or mistyped from one that is unknown.
 */
import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const TOKEN = /^(vgr_[0-9a-f]{64})([0-9a-f]{8})$/
const SECRET_BYTES = 32

export function createTokenText(): string {
  const start = `vgr_${randomBytes(SECRET_BYTES).toString('hex')}`
  return start + checksumOf(start)
}

/** Whether it was given out as it is; a text without the prefix is none of ours. */
export function isWholeToken(text: string): boolean {
  const [, start, checksum] = TOKEN.exec(text) ?? []
  return start !== undefined && checksumOf(start) === checksum
}

/**
 * What is kept of a token. Random bits cannot be guessed, so a hash that is fast to compute gives nothing away; a slow one
 * is for passwords that people choose.
 */
export const hashToken = (text: string): string => createHash('sha256').update(text).digest('hex')

const checksumOf = (start: string): string => crc32(start).toString(16).padStart(8, '0')
