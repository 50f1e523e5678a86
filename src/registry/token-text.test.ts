import { expect, test } from 'vitest'
import { createTokenText, hashToken, isWholeToken } from './token-text.ts'

const token = createTokenText()

test('is whole as it was given out', () => {
  expect(token).toMatch(/^vgr_[0-9a-f]{72}$/)
  expect(isWholeToken(token)).toBe(true)
  expect(createTokenText()).not.toBe(token)
})

test.each([
  ['cut off', token.slice(0, -1)],
  ['longer', `${token}0`],
  ['in capitals', token.toUpperCase()],
  ['with another digit', token.replace(/^vgr_./, token[4] === 'a' ? 'vgr_b' : 'vgr_a')],
  ['with two digits swapped', `${token.slice(0, 40)}${token[41]}${token[40]}${token.slice(42)}`],
  ['without its prefix', token.slice(4)],
  ['with a space', ` ${token}`],
  ['of nothing', ''],
])('is none when it is %s', (what, text) => {
  if (what === 'with two digits swapped' && text === token) return
  expect(isWholeToken(text)).toBe(false)
})

test('has a hash of 256 bits', () => {
  expect(hashToken('vgr_')).toMatch(/^[0-9a-f]{64}$/)
  expect(hashToken(token)).not.toBe(hashToken(createTokenText()))
})
