/** Every photo of the fixtures as the body of a request: a new file there needs a line here only if it is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import { expectError, predict, predictionsOf } from '../support/http-client.ts'
import { GOOD_PHOTOS, REFUSED_FILES, readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const REFUSALS: Readonly<Record<string, readonly [ErrorCode, RegExp]>> = {
  'empty.jpg': ['photo_empty', /Expected a photo .*received 0 bytes/],
  'text.jpg': [
    'photo_format_unknown',
    /Expected JPEG.*received 21 bytes that start with the text "This is not/,
  ],
  'header-only.jpg': ['photo_truncated', /Expected a whole JPEG photo, received 20 bytes/],
  'truncated.jpg': ['photo_truncated', /Expected a whole JPEG photo, received 3392 bytes/],
  'truncated.png': ['photo_truncated', /Expected a whole PNG photo, received 6622 bytes/],
  'corrupt.png': ['photo_corrupt', /Expected a whole PNG photo, received 11038 bytes/],
  'bomb.png': [
    'photo_too_many_pixels',
    /at most 100000000 pixels, received 40000 × 40000 = 1600000000/,
  ],
  'photo.heic': ['photo_format_refused', /Expected JPEG.*received HEIC/],
  'photo.avif': ['photo_format_refused', /Expected JPEG.*received AVIF/],
  'drawing.svg': ['photo_format_refused', /Expected JPEG.*received SVG/],
  'document.pdf': ['photo_format_refused', /Expected JPEG.*received PDF/],
  'bitmap.bmp': ['photo_format_refused', /Expected JPEG.*received BMP/],
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

const send = (name: string) =>
  predict(server.url, readPhoto(name), { type: 'application/octet-stream' })

describe('a good photo is answered', () => {
  test.each(GOOD_PHOTOS)('%s', async (name) => {
    const [prediction] = predictionsOf(await send(name))
    expect(prediction?.top).toHaveLength(5)
  })
})

describe('a bad file is refused', () => {
  test.each(REFUSED_FILES)('%s', async (name) => {
    const refusal = REFUSALS[name]
    if (refusal === undefined) throw new Error(`Expected a line for ${name} in REFUSALS`)
    const { hint } = expectError(await send(name), ...refusal)
    expect(hint).toBeTruthy()
  })

  test('and none of them costs a worker', async () => {
    expect(REFUSED_FILES.length).toBeGreaterThan(0)
    await Promise.all(REFUSED_FILES.map(send))
    predictionsOf(await send('baseline.jpg'))
  })
})
