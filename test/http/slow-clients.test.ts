/** Clients that are too slow, or that leave before they have their answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { expectError, get, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { readMetrics } from '../support/prometheus.ts'
import { openConnection, predictHead, type RawConnection } from '../support/raw-connection.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const RECEIVE_TIMEOUT_MS = 1500
/** Node looks over its connections once a second; the rest is for a busy machine. */
const LATEST_ANSWER_MS = RECEIVE_TIMEOUT_MS + 1000 + 1500

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERGER_RECEIVE_TIMEOUT_MS: String(RECEIVE_TIMEOUT_MS) } })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  expect(server.stderr.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
})

/** Sends `bytes` one by one until the server has ended its side. */
async function trickle({ socket, ended }: RawConnection, bytes: Uint8Array, pauseMs: number) {
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  for (const byte of bytes) {
    if (isOver || socket.destroyed) return
    socket.write(Uint8Array.of(byte))
    await sleep(pauseMs)
  }
}

async function expectTimeout(connection: RawConnection) {
  const answer = await connection.ended
  expectError(
    { status: answer?.status ?? 0, text: answer?.body ?? '{}' },
    'request_timeout',
    new RegExp(`within ${RECEIVE_TIMEOUT_MS} ms`),
  )
  expect(answer?.headers).toMatchObject({ connection: 'close' })
}

describe.concurrent('a client that is too slow', () => {
  test('with its body has its answer within the time that is allowed', async () => {
    const connection = await openConnection(server.port)
    const startMs = performance.now()
    connection.socket.write(predictHead(photo.length))
    const sending = trickle(connection, photo, 1000)
    await expectTimeout(connection)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(RECEIVE_TIMEOUT_MS)
    expect(performance.now() - startMs).toBeLessThan(LATEST_ANSWER_MS)
    connection.socket.destroy()
    await sending
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
  })

  test('with its head has its answer within the time that is allowed', async () => {
    const connection = await openConnection(server.port)
    const startMs = performance.now()
    const sending = trickle(connection, Buffer.from(predictHead(photo.length)), 300)
    await expectTimeout(connection)
    expect(performance.now() - startMs).toBeLessThan(LATEST_ANSWER_MS)
    connection.socket.destroy()
    await sending
    expect((await get(`${server.url}/healthz`)).status).toBe(200)
  })

  test.each([
    ['never listens', photo.length],
    ['was refused already', 10_000_000_000],
  ])('and %s is cut off', async (_what, sizeBytes) => {
    const connection = await openConnection(server.port)
    connection.socket.write(predictHead(sizeBytes))
    const closed = new Promise<void>((resolve) => {
      connection.socket.once('error', () => resolve())
      connection.socket.once('close', () => resolve())
    })
    // It goes on sending after the answer, over the half of the connection that is still its own.
    const sending = setInterval(() => connection.socket.write('a'), 200)
    await Promise.race([closed, sleep(2 * LATEST_ANSWER_MS)])
    clearInterval(sending)
    expect(connection.socket.destroyed).toBe(true)
  })
})

describe('a client that leaves', () => {
  test('in the middle of its raw body changes nothing for others', async () => {
    const { socket } = await openConnection(server.port)
    socket.write(predictHead(photo.length))
    socket.write(photo.subarray(0, 1000))
    await sleep(50)
    socket.destroy()
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
  })

  test('in the middle of a multipart file changes nothing for others', async () => {
    const { socket } = await openConnection(server.port)
    socket.write(
      'POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 9999\r\n\r\n' +
        '--b\r\ncontent-disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nabc',
    )
    await sleep(50)
    socket.destroy()
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
  })

  test('before its answer takes its photos out of the queue', async () => {
    const images = Array.from({ length: 250 }, () => photo.toString('base64'))
    const body = JSON.stringify({ images })
    const { socket } = await openConnection(server.port)
    socket.write(
      `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await vi.waitFor(
      async () => {
        expect((await readMetrics(server.url)).get('verger_photos_waiting')).toBeGreaterThan(50)
      },
      { timeout: 5000, interval: 5 },
    )
    socket.destroy()
    await vi.waitFor(
      async () => {
        expect((await readMetrics(server.url)).get('verger_photos_waiting')).toBe(0)
      },
      { timeout: 1000, interval: 20 },
    )
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
  })

  test('a hundred times at once changes nothing for others', async () => {
    const connections = await Promise.all(
      Array.from({ length: 100 }, () => openConnection(server.port)),
    )
    for (const { socket } of connections) {
      socket.on('error', () => {})
      socket.write(predictHead(photo.length))
      socket.write(photo)
      socket.resetAndDestroy()
    }
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
    await vi.waitFor(
      async () => {
        const metrics = await readMetrics(server.url)
        expect(metrics.get('verger_photos_waiting')).toBe(0)
        expect(metrics.get('verger_photos_running')).toBe(0)
      },
      { timeout: 5000 },
    )
  })
})
