/** Requests that are larger than a server with small limits accepts. */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  expectError,
  formOf,
  get,
  predict,
  predictionsOf,
  readAnswer,
} from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { openConnection, predictHead } from '../support/raw-connection.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const KiB = 1024
const REQUEST_BYTES = 256 * KiB
const PHOTO_BYTES = 64 * KiB
const REQUEST_PHOTOS = 8

let server: TestServer
beforeAll(async () => {
  server = await startServer({
    env: {
      VERGER_MAX_REQUEST_BYTES: String(REQUEST_BYTES),
      VERGER_MAX_PHOTO_BYTES: String(PHOTO_BYTES),
      VERGER_MAX_REQUEST_PHOTOS: String(REQUEST_PHOTOS),
      VERGER_MAX_PHOTO_PIXELS: '100000',
    },
  })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

async function expectAlive() {
  predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
}

/** Sends a body of unknown length piece by piece and stops when the answer is there. */
function predictChunked(type: string, pieces: Iterable<Uint8Array>): Promise<Answer> {
  return sendChunked('POST', '/predict', type, pieces)
}

function sendChunked(
  method: string,
  path: string,
  type: string,
  pieces: Iterable<Uint8Array>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url}${path}`,
      { method, headers: { 'content-type': type }, agent: false },
      async (response) => {
        const chunks = await response.toArray()
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
        sent.destroy()
      },
    )
    sent.on('error', reject)
    for (const piece of pieces) sent.write(piece)
    sent.end()
  })
}

describe('a body above the limit', () => {
  test('of a stated length is refused with the limit and the length', async () => {
    const answer = await predict(server.url, Buffer.alloc(REQUEST_BYTES + 1), {
      type: 'image/jpeg',
    })
    const error = expectError(answer, 'body_too_large', /at most 262144 bytes, received 262145/)
    expect(error.hint).toMatch(/VERGER_MAX_REQUEST_BYTES/)
    await expectAlive()
  })

  test('is refused by its head, before a byte of it has come', async () => {
    const { socket, received } = await openConnection(server.port)
    socket.write(predictHead(10_000_000_000))
    await expect.poll(received).toMatch(/^HTTP\/1\.1 413 [\s\S]*\{"error":.*\}\}$/)
    socket.destroy()
    expect(received()).toMatch(/body_too_large.*at most 262144 bytes, received 10000000000/)
    await expectAlive()
  })

  test.each([2, 50])('by %i MB is refused in words that the client can read', async (megabytes) => {
    const answer = await predict(server.url, new Uint8Array(megabytes * 1e6), {
      type: 'image/jpeg',
    })
    expectError(answer, 'body_too_large', /at most 262144 bytes, received \d+000000/)
  })

  test.each(['image/jpeg', 'application/json'])(
    'of %s without a length is refused with the limit',
    async (type) => {
      const pieces = Array.from({ length: 5 }, () => Buffer.alloc(64 * KiB, ' '))
      const answer = await predictChunked(type, pieces)
      expectError(answer, 'body_too_large', /at most 262144 bytes/)
      await expectAlive()
    },
  )

  test('of multipart without a length is refused with the limit', async () => {
    const head = Buffer.from(
      '--b\r\ncontent-disposition: form-data; name="photo"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n',
    )
    const file = Buffer.concat([head, Buffer.alloc(60 * KiB), Buffer.from('\r\n')])
    const pieces = [...Array.from({ length: 6 }, () => file), Buffer.from('--b--\r\n')]
    const answer = await predictChunked('multipart/form-data; boundary=b', pieces)
    expectError(answer, 'body_too_large', /at most 262144 bytes/)
    await expectAlive()
  })

  test('that is just at the limit is read', async () => {
    const answer = await predict(server.url, Buffer.alloc(REQUEST_BYTES), {
      type: 'application/json',
    })
    expectError(answer, 'request_invalid', /JSON/)
  })
})

describe('a photo above the limit', () => {
  const large = Buffer.concat([photo, Buffer.alloc(PHOTO_BYTES + 1 - photo.length)])

  test('as a raw body is refused with the limit and its size', async () => {
    const answer = await predict(server.url, large, { type: 'image/jpeg' })
    expectError(answer, 'photo_too_large', /at most 65536 bytes, received 65537/)
  })

  test('as base64 is refused with the limit and its size', async () => {
    const body = JSON.stringify({ image: large.toString('base64') })
    const answer = await predict(server.url, body, { type: 'application/json' })
    expectError(answer, 'photo_too_large', /at most 65536 bytes, received 65537/)
  })

  test('as the only file of a multipart body is refused with the limit', async () => {
    const answer = await predict(server.url, formOf([['large.jpg', large]]))
    const error = expectError(answer, 'photo_too_large', /at most 65536 bytes/)
    expect(error.hint).toMatch(/VERGER_MAX_PHOTO_BYTES/)
    await expectAlive()
  })

  test('as a raw body just at the limit is answered', async () => {
    const padded = Buffer.concat([photo, Buffer.alloc(PHOTO_BYTES - photo.length)])
    predictionsOf(await predict(server.url, padded, { type: 'image/jpeg' }))
  })

  test('in pixels is refused with the limit and its size', async () => {
    const answer = await predict(server.url, readPhoto('progressive.jpg'), { type: 'image/jpeg' })
    expectError(
      answer,
      'photo_too_many_pixels',
      /at most 100000 pixels, received 447 × 335 = 149745/,
    )
  })
})

describe('photos above the limit of one request', () => {
  test('in multipart are refused with the limit', async () => {
    const form = formOf(Array.from({ length: REQUEST_PHOTOS + 1 }, () => ['a.jpg', photo]))
    const error = expectError(await predict(server.url, form), 'too_many_parts', /at most 8 photos/)
    expect(error.hint).toMatch(/VERGER_MAX_REQUEST_PHOTOS/)
  })

  test('in JSON are refused with the limit and their number', async () => {
    const images = Array.from({ length: REQUEST_PHOTOS + 1 }, () => 'YQ==')
    const answer = await predict(server.url, JSON.stringify({ images }), {
      type: 'application/json',
    })
    expectError(answer, 'too_many_parts', /at most 8 photos in one request, received 9/)
  })

  test('and just at the limit are answered', async () => {
    const form = formOf(Array.from({ length: REQUEST_PHOTOS }, () => ['a.jpg', photo]))
    expect(predictionsOf(await predict(server.url, form))).toHaveLength(REQUEST_PHOTOS)
  })
})

describe('ten thousand tiny parts', () => {
  const partsOf = (disposition: string) =>
    Buffer.from(
      `${`--b\r\ncontent-disposition: form-data; ${disposition}\r\n\r\na\r\n`.repeat(10_000)}--b--\r\n`,
    )

  test.each([
    ['files', partsOf('name="p"; filename="a"')],
    ['fields', partsOf('name="p"')],
  ])('that are %s are refused within two seconds', async (_what, body) => {
    const roomy = await startServer()
    try {
      const startMs = performance.now()
      const answer = await predict(roomy.url, body, { type: 'multipart/form-data; boundary=b' })
      expectError(answer, 'too_many_parts', /at most 256 photos/)
      expect(performance.now() - startMs).toBeLessThan(2000)
      expect((await get(`${roomy.url}/healthz`)).status).toBe(200)
      predictionsOf(await predict(roomy.url, photo, { type: 'image/jpeg' }))
    } finally {
      expect(await roomy.stop()).toBe(0)
    }
  })
})

test('no limit was logged as a bug', () => {
  expect(server.stderr.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
})

describe('uploads that go to a file as they come', () => {
  const MAX_BYTES = 40_000
  let small: TestServer
  beforeAll(async () => {
    small = await startServer({
      env: { VERGER_MAX_REQUEST_BYTES: String(MAX_BYTES), VERGER_MAX_QUEUED_BYTES: '50000' },
    })
  })
  afterAll(() => small.stop())

  const blob = Buffer.alloc(30_000, 7)
  const path = `/api/blobs/${createHash('sha256').update(blob).digest('hex')}`

  test('hold no memory while they are under way', async () => {
    const slow = await openConnection(small.port)
    slow.socket.write(
      `PUT ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${blob.length}\r\nconnection: close\r\n\r\n`,
    )
    slow.socket.write(blob.subarray(0, 29_000))
    await sleep(300)
    const other = await fetch(`${small.url}${path}`, { method: 'PUT', body: blob })
    expect([other.status, await other.text()]).toEqual([201, expect.stringContaining('30000')])
    slow.socket.write(blob.subarray(29_000))
    expect(await slow.ended).toMatchObject({ status: 201 })
    slow.socket.destroy()
  })

  test('are bounded all the same where they state no length', async () => {
    const sent = new Blob([blob, blob]).stream()
    const init = { method: 'PUT', body: sent, duplex: 'half' } as RequestInit
    const answer = await fetch(`${small.url}${path}`, init)
    expectError(await readAnswer(answer), 'body_too_large', /at most 40000 bytes/)
  })
})

describe('an upload in pieces', () => {
  const storage = '/upload/storage/v1/b/staging/o?name=x&uploadType'
  test.each([
    ['of a blob', 'PUT', `/api/blobs/${'0'.repeat(64)}`, 'application/octet-stream'],
    ['of a file', 'POST', `${storage}=media`, 'application/octet-stream'],
    [
      'of a file beside its description',
      'POST',
      `${storage}=multipart`,
      'multipart/related; boundary=x',
    ],
    ['of a description', 'POST', `${storage}=resumable`, 'application/json'],
  ])('%s is no larger than a request', async (_what, method, path, type) => {
    const pieces = Array.from({ length: 40 }, () => new Uint8Array(8 * KiB))
    const answer = await sendChunked(method, path, type, pieces)
    expect([answer.status, answer.text]).toEqual([
      413,
      expect.stringContaining('at most 262144 bytes, received more'),
    ])
    await expectAlive()
  })
})
