import { describe, expect, it } from 'vitest'
import {
  deserializeError,
  ERROR_CATALOGUE,
  EXIT_CODES,
  serializeError,
  toVergerError,
  VergerError,
} from './errors.ts'

describe('the catalogue', () => {
  it.each(Object.entries(ERROR_CATALOGUE))(
    'gives %s a status, an exit code and a sentence',
    (code, entry) => {
      expect(code).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/)
      expect(entry.status).toBeGreaterThanOrEqual(400)
      expect(entry.status).toBeLessThan(600)
      expect(Object.values(EXIT_CODES)).toContain(entry.exitCode)
      expect(entry.exitCode).not.toBe(EXIT_CODES.done)
      expect(entry.meaning).toMatch(/^[A-Z].*\.$/)
    },
  )

  it('says each thing once', () => {
    const meanings = Object.values(ERROR_CATALOGUE).map(({ meaning }) => meaning)
    expect(new Set(meanings).size).toBe(meanings.length)
  })
})

describe('an error that crosses a thread', () => {
  it.each([
    ['with everything', { hint: 'Try again.', details: { width: 3, path: 'a/é.jpg' } }],
    ['with a message alone', {}],
  ])('stays the same %s', (_words, options) => {
    const sent = new VergerError('photo_corrupt', 'Expected a photo', options)
    const received = deserializeError(structuredClone(serializeError(sent)))
    expect(received).toBeInstanceOf(VergerError)
    expect(received.describe()).toEqual(sent.describe())
    expect(received.details).toEqual(sent.details)
  })

  it('becomes internal when it is not ours', () => {
    expect(serializeError(new TypeError('x is not a function'))).toMatchObject({
      code: 'internal',
      message: 'Unexpected failure: x is not a function',
    })
  })
})

describe('toVergerError', () => {
  it('gives our own error as it is', () => {
    const error = new VergerError('no_photo', 'Expected photos')
    expect(toVergerError(error)).toBe(error)
  })

  it.each([
    ['an Error', new Error('boom')],
    ['a text', 'boom'],
  ])('keeps %s as the cause', (_words, thrown) => {
    const error = toVergerError(thrown)
    expect(error.code).toBe('internal')
    expect(error.message).toContain('boom')
    expect(error.cause).toBe(thrown)
  })
})
