/** Requests that have not the form that a route expects. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectError,
  formOf,
  get,
  predict,
  predictionsOf,
  readAnswer,
} from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { openConnection } from '../support/raw-connection.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const json = { type: 'application/json' }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

describe('content', () => {
  test.each([
    'text/plain',
    'text/csv',
    'application/x-www-form-urlencoded',
    'application/xml',
    'video/mp4',
  ])('of the type %s is refused with the types that are accepted', async (type) => {
    const answer = await predict(server.url, 'a=b', { type })
    const accepted =
      /image\/\*, application\/octet-stream, multipart\/form-data or application\/json/
    expectError(answer, 'content_type_unsupported', accepted)
  })

  test('of an unsupported type is named in the message', async () => {
    const answer = await predict(server.url, 'a,b', { type: 'text/csv' })
    expectError(answer, 'content_type_unsupported', /received text\/csv/)
  })

  test('that is missing altogether is no photo', async () => {
    expectError(
      await predict(server.url, null),
      'no_photo',
      /Expected at least one photo.*received none/,
    )
  })

  test('without a byte is an empty photo', async () => {
    const answer = await predict(server.url, new Uint8Array(), { type: 'image/jpeg' })
    expectError(answer, 'photo_empty', /received 0 bytes/)
  })

  test('of multipart without a boundary is refused', async () => {
    const answer = await predict(server.url, 'x', { type: 'multipart/form-data' })
    expectError(answer, 'request_invalid', /boundary/i)
  })

  test('of multipart that ends early is refused', async () => {
    const body = '--b\r\ncontent-disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nabc'
    const answer = await predict(server.url, body, { type: 'multipart/form-data; boundary=b' })
    expectError(answer, 'request_invalid', /end/i)
  })

  test('of multipart without a file is no photo', async () => {
    const form = new FormData()
    form.append('photo', 'apple.jpg')
    expectError(await predict(server.url, form), 'no_photo', /received none/)
  })

  test('of multipart without a file name has the name of its field as source', async () => {
    const head =
      '--b\r\ncontent-disposition: form-data; name="pear"\r\ncontent-type: application/octet-stream\r\n\r\n'
    const body = Buffer.concat([Buffer.from(head), photo, Buffer.from('\r\n--b--\r\n')])
    const answer = await predict(server.url, body, { type: 'multipart/form-data; boundary=b' })
    expect(predictionsOf(answer)).toMatchObject([{ source: 'pear' }])
  })
})

describe('JSON', () => {
  test('that is no JSON is refused', async () => {
    expectError(await predict(server.url, '{"image"', json), 'request_invalid', /JSON/)
  })

  test('without a byte is refused', async () => {
    expectError(await predict(server.url, '', json), 'request_invalid', /empty/)
  })

  test('that is an array is refused with the form that is expected', async () => {
    expectError(
      await predict(server.url, '["YQ=="]', json),
      'request_invalid',
      /body must be object/,
    )
  })

  test('that is null is refused', async () => {
    expectError(await predict(server.url, 'null', json), 'request_invalid', /body must be object/)
  })

  test('with an unknown key is refused with the name of the key', async () => {
    const answer = await predict(server.url, '{"photo":"YQ=="}', json)
    expectError(answer, 'request_invalid', /photo/)
  })

  test('with a photo that is neither text nor object is refused with its place', async () => {
    expectError(
      await predict(server.url, '{"image":[]}', json),
      'request_invalid',
      /body\/image must be/,
    )
  })

  test('with one photo for many is refused with its place', async () => {
    const answer = await predict(server.url, '{"images":"YQ=="}', json)
    expectError(answer, 'request_invalid', /body\/images must be array/)
  })

  test('with a photo object without base64 is refused with its place', async () => {
    const answer = await predict(server.url, '{"images":[{"name":"a"}]}', json)
    expectError(answer, 'request_invalid', /body\/images\/0 must/)
  })

  test.each(['{}', '{"images":[]}'])('%s is no photo', async (body) => {
    expectError(await predict(server.url, body, json), 'no_photo', /received none/)
  })

  test.each([
    [
      'a character that is none of base64',
      'YWJj*',
      /in image, received the character "\*" at position 4/,
    ],
    ['padding in its middle', 'YW=Jj', /in image, received the character "=" at position 2/],
    ['a length that is not possible', 'YWJjZ', /in image, received 5 characters/],
  ])('with base64 that has %s is refused', async (_what, image, message) => {
    expectError(
      await predict(server.url, JSON.stringify({ image }), json),
      'base64_invalid',
      message,
    )
  })

  test('with an empty text is an empty photo', async () => {
    expectError(await predict(server.url, '{"image":""}', json), 'photo_empty', /received 0 bytes/)
  })

  test('with __proto__ is refused', async () => {
    const answer = await predict(server.url, '{"__proto__":{"image":"YQ=="}}', json)
    expectError(answer, 'request_invalid', /./)
  })
})

describe('the query', () => {
  test.each([
    ['top=0', /querystring\/top must be >= 1/],
    ['top=-3', /querystring\/top must be >= 1/],
    ['top=abc', /querystring\/top must be integer/],
    ['top=1.5', /querystring\/top must be integer/],
    ['top=', /querystring\/top must be/],
    ['top=1&top=2', /querystring\/top must be integer/],
    ['tpo=3', /querystring .*tpo/],
  ])('%s is refused with what is expected', async (query, message) => {
    const answer = await predict(server.url, photo, { type: 'image/jpeg', query })
    expectError(answer, 'request_invalid', message)
  })
})

describe('a route', () => {
  test('that is unknown is answered in JSON', async () => {
    const answer = await get(`${server.url}/nowhere?x=1`)
    expectError(answer, 'route_unknown', /Nothing answers GET \/nowhere\?x=1/)
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
  })

  test('outside of the page folder stays unknown', async () => {
    const { socket, ended } = await openConnection(server.port)
    socket.write('GET /../package.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    const answer = await ended
    socket.destroy()
    expect(answer?.status).toBe(404)
  })

  test('that cannot be decoded is answered in JSON', async () => {
    expectError(await get(`${server.url}/%E0%A4%A`), 'request_invalid', /./)
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('refuses the method %s', async (method) => {
    const answer = await readAnswer(await fetch(`${server.url}/predict`, { method }))
    expectError(answer, 'method_not_allowed', new RegExp(`Expected POST .* received ${method}`))
    expect(answer.headers['allow']).toBe('POST')
  })

  test('is as unknown to a method that nobody knows', async () => {
    const { socket, ended } = await openConnection(server.port)
    socket.write('BREW /predict HTTP/1.1\r\nhost: a\r\n\r\n')
    const answer = await ended
    socket.destroy()
    expectError(
      { status: answer?.status ?? 0, text: answer?.body ?? '{}' },
      'request_invalid',
      /HTTP/,
    )
  })
})

describe('broken HTTP', () => {
  test.each([
    ['no request line', 'HELLO\r\n\r\n'],
    ['a header without a colon', 'GET /healthz HTTP/1.1\r\nhost\r\n\r\n'],
    [
      'two lengths',
      'POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
    ],
    [
      'a length that is no number',
      'POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\na',
    ],
    [
      'a chunk without a size',
      'POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    ],
    [
      'a head of 100,000 bytes',
      `GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    ],
  ])('with %s is answered in JSON and the connection is closed', async (_what, bytes) => {
    const { socket, ended } = await openConnection(server.port)
    socket.write(bytes)
    const answer = await ended
    socket.destroy()
    expectError(
      { status: answer?.status ?? 0, text: answer?.body ?? '{}' },
      'request_invalid',
      /Expected an HTTP request/,
    )
    expect(answer?.headers).toMatchObject({
      connection: 'close',
      'content-type': expect.stringMatching(/json/),
    })
    expect((await get(`${server.url}/healthz`)).status).toBe(200)
  })
})

test('a thousand wrong requests leave no trace in the answers of right ones', async () => {
  const before = predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
  const wrong = Array.from({ length: 1000 }, (_, index) =>
    index % 2 === 0
      ? predict(server.url, '{"image":"*"}', json)
      : predict(server.url, formOf([]), { query: 'top=no' }),
  )
  expect(new Set((await Promise.all(wrong)).map(({ status }) => status))).toEqual(new Set([400]))
  expect(predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))).toEqual(before)
})
