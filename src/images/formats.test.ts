import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { VergerError } from '../core/errors.ts'
import { detectFormat } from './formats.ts'

const FIXTURES = new URL('../../test/fixtures/photos/', import.meta.url)
const fixture = (name: string): Uint8Array => readFileSync(new URL(name, FIXTURES))
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

function refusalOf(bytes: Uint8Array): VergerError {
  try {
    detectFormat(bytes)
  } catch (error) {
    if (error instanceof VergerError) return error
    throw error
  }
  throw new Error('the bytes were accepted')
}

describe('an accepted format', () => {
  it.each([
    ['a JPEG', 'baseline.jpg', 'jpeg'],
    ['a progressive JPEG', 'progressive.jpg', 'jpeg'],
    ['a JPEG that is cut short', 'header-only.jpg', 'jpeg'],
    ['a PNG', 'rgb.png', 'png'],
    ['a lossy WebP', 'lossy.webp', 'webp'],
    ['an animated WebP', 'animated.webp', 'webp'],
    ['a GIF', 'still.gif', 'gif'],
    ['a TIFF', 'deflate.tiff', 'tiff'],
  ])('is told from %s', (_words, name, format) => {
    expect(detectFormat(fixture(name))).toBe(format)
  })

  it.each([
    ['GIF87a', latin1('GIF87a\x01\0\x01\0'), 'gif'],
    ['a big-endian TIFF', latin1('MM\0*\0\0\0\b'), 'tiff'],
    ['a little-endian TIFF', latin1('II*\0\b\0\0\0'), 'tiff'],
  ])('is told from the signature of %s', (_words, bytes, format) => {
    expect(detectFormat(bytes)).toBe(format)
  })
})

describe('a refused format', () => {
  it.each([
    ['HEIC', fixture('photo.heic')],
    ['HEIC', latin1('\0\0\0\x18ftypmif1\0\0\0\0mif1heic')],
    ['AVIF', fixture('photo.avif')],
    ['AVIF', latin1('\0\0\0\x18ftypmif1\0\0\0\0mif1avif')],
    ['BMP', fixture('bitmap.bmp')],
    ['SVG', fixture('drawing.svg')],
    ['SVG', latin1('\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a pear -->\n<svg>')],
    ['PDF', fixture('document.pdf')],
    ['Photoshop', latin1('8BPS\0\x01')],
    ['ICO', latin1('\0\0\x01\0\x01\0')],
    ['JPEG XL', latin1('\xff\x0a\0\0')],
    ['JPEG XL', latin1('\0\0\0\x0cJXL \r\n\x87\n')],
    ['JPEG 2000', latin1('\0\0\0\x0cjP  \r\n\x87\n')],
    ['JPEG 2000', latin1('\xff\x4f\xff\x51')],
    ['video', latin1('\0\0\0\x18ftypisom\0\0\0\0isommp42')],
  ])('is called %s', (name, bytes) => {
    const error = refusalOf(bytes)
    expect(error.code).toBe('photo_format_refused')
    expect(error.message).toBe(`Expected JPEG, PNG, WebP, GIF or TIFF, received ${name}`)
    expect(error.hint).toMatch(name === 'HEIC' ? /Most Compatible/ : /Convert/)
  })
})

describe('bytes of no known format', () => {
  it.each([
    ['text', fixture('text.jpg'), 'received 21 bytes that start with the text "This is not "'],
    ['binary', latin1('\x01\x02\xff\xfe'), 'received 4 bytes that start with 01 02 ff fe'],
    ['one byte of a JPEG', latin1('\xff'), 'received 1 bytes that start with ff'],
    ['a RIFF sound', latin1('RIFF\0\0\0\0WAVE'), 'that start with 52 49 46 46'],
  ])('are described: %s', (_words, bytes, received) => {
    const error = refusalOf(bytes)
    expect(error.code).toBe('photo_format_unknown')
    expect(error.message).toContain(received)
  })

  it('are missing altogether', () => {
    expect(refusalOf(new Uint8Array()).code).toBe('photo_empty')
  })
})
