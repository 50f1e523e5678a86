import { describe, expect, test } from 'vitest'
import { parseRelated } from './multipart-related.ts'

const bytes = Buffer.from('\r\n\n--half a\r\nfile\n\r', 'latin1')

function bodyOf(lineEnd: string): Buffer {
  return Buffer.concat([
    Buffer.from(
      [
        '--==b==',
        'Content-Type: application/json',
        '',
        '{"size": 18}',
        '--==b==',
        'Content-Type: text/x',
        'Content-Transfer-Encoding: binary',
        '',
        '',
      ].join(lineEnd),
    ),
    bytes,
    Buffer.from(`${lineEnd}--==b==--`),
  ])
}

describe('parseRelated', () => {
  test.each([
    ['\r\n', 'multipart/related; boundary="==b=="'],
    ['\n', "multipart/related; boundary='==b=='"],
    ['\n', 'multipart/related; boundary===b=='],
  ])('gives what was sent, with lines that end with %j', (lineEnd, contentType) => {
    const { metadata, contentType: type, bytes: read } = parseRelated(contentType, bodyOf(lineEnd))
    expect(metadata).toEqual({ size: 18 })
    expect(type).toBe('text/x')
    expect(Buffer.from(read)).toEqual(bytes)
  })

  test.each([
    ['multipart/related', bodyOf('\n'), /with a boundary/],
    ['multipart/related; boundary=other', bodyOf('\n'), /boundary in the body/],
    ['multipart/related; boundary="==b=="', bodyOf('\n').subarray(0, 60), /two parts/],
    [
      'multipart/related; boundary="==b=="',
      Buffer.from(bodyOf('\n').toString('latin1').replace('{"size"', 'size')),
      /JSON object/,
    ],
  ])('refuses %s', (contentType, body, message) => {
    expect(() => parseRelated(contentType, body)).toThrow(message)
  })
})
