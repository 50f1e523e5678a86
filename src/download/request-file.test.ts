import { describe, expect, it } from 'vitest'
import { parseContentRange, resolveRedirect, resumeValidator } from './request-file.ts'

describe('resolveRedirect', () => {
  it.each([
    ['http://a.example/x', 'https://b.example/y', 'https://b.example/y'],
    ['https://a.example/x/y', '../z?q=1', 'https://a.example/z?q=1'],
    ['https://a.example/x', '//b.example/y', 'https://b.example/y'],
  ])('follows %s to %s', (from, location, to) => {
    expect(resolveRedirect(new URL(from), location).href).toBe(to)
  })

  it.each([
    ['https://a.example/x', 'http://a.example/x'],
    ['http://a.example/x', 'ftp://a.example/x'],
    ['http://a.example/x', 'data:,x'],
    ['http://a.example/x', undefined],
  ])('refuses %s to %s', (from, location) => {
    expect(() => resolveRedirect(new URL(from), location)).toThrow(
      expect.objectContaining({ code: 'download_failed' }),
    )
  })
})

describe('parseContentRange', () => {
  it.each([
    ['bytes 5-9/10', { start: 5, totalBytes: 10 }],
    ['bytes 5-9/*', { start: 5 }],
    ['bytes */10', { totalBytes: 10 }],
    ['bytes 5-9', undefined],
    ['lines 5-9/10', undefined],
    [undefined, undefined],
  ])('reads %s', (header, range) => {
    expect(parseContentRange(header)).toEqual(range)
  })
})

describe('resumeValidator', () => {
  it('is a strong tag, else the date', () => {
    const lastModified = 'Mon, 01 Jan 2024 00:00:00 GMT'
    expect(resumeValidator({ url: '', etag: '"a"', lastModified })).toBe('"a"')
    expect(resumeValidator({ url: '', etag: 'W/"a"', lastModified })).toBe(lastModified)
    expect(resumeValidator({ url: '', etag: 'W/"a"' })).toBeUndefined()
  })
})
