import { expect, it } from 'vitest'
import { crc32c, maskedCrc32c } from './crc32c.ts'

/** RFC 3720, appendix B.4. */
it.each([
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
  ['nine digits', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
])('gives the published sum of %s', (_words, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected)
})

it('is masked as LevelDB does', () => {
  expect(maskedCrc32c(Buffer.alloc(0))).toBe(0xa282ead8)
  expect(maskedCrc32c(Buffer.from('123456789'))).toBe(
    ((0xe3069283 >>> 15) + ((0xe3069283 << 17) >>> 0) + 0xa282ead8) % 2 ** 32,
  )
})
