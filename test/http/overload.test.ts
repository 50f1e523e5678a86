/** More than the server can do at once. All of it is bounded and comes from this process. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Answer,
  expectError,
  formOf,
  get,
  predict,
  predictAlone,
  predictionsOf,
} from '../support/http-client.ts'
import { createModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { readMetrics } from '../support/prometheus.ts'
import { openConnection, predictHead, type RawConnection } from '../support/raw-connection.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('exif-1.jpg')
/** At once, on a machine that has other things to do. */
const SOON = { timeout: 10_000 }

let server: TestServer
afterEach(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  expect(server.stderr.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
})

function burst(count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => predictAlone(server.port, photo)))
}

const withStatus = (answers: readonly Answer[], status: number) =>
  answers.filter((answer) => answer.status === status)

async function expectRecovered() {
  const metrics = await readMetrics(server.url)
  expect(metrics.get('verger_photos_waiting')).toBe(0)
  predictionsOf(await predictAlone(server.port, photo))
}

describe('five hundred connections at once', () => {
  test('are all answered, and probes beside them', async () => {
    server = await startServer()
    const answering = burst(500)
    let isAnswered = false
    const answered = answering.finally(() => {
      isAnswered = true
    })
    const probes: number[] = []
    while (!isAnswered) {
      const probeMs = performance.now()
      expect((await get(`${server.url}/healthz`)).status).toBe(200)
      probes.push(performance.now() - probeMs)
      await sleep(50)
    }
    const answers = await answered
    const [first, ...others] = answers.map((answer) => predictionsOf(answer))
    for (const other of others) expect(other).toEqual(first)
    expect(probes.length).toBeGreaterThan(5)
    expect(Math.max(...probes)).toBeLessThan(2000)
    await expectRecovered()
  })
})

describe('a queue that is full', () => {
  test('is told to those who come too late, with the seconds after which to come again', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_PHOTOS: '2' } })
    const answers = await burst(60)
    const refused = withStatus(answers, 503)
    expect(withStatus(answers, 200).length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    expect(withStatus(answers, 200).length + refused.length).toBe(60)
    for (const answer of refused) {
      expectError(answer, 'overloaded', /Expected at most 2 photos waiting/)
      expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    }
    await expectRecovered()
  })

  test('refuses a request with more photos than could ever wait', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_PHOTOS: '2' } })
    const answer = await predict(
      server.url,
      formOf(Array.from({ length: 5 }, () => ['a.jpg', photo])),
    )
    expectError(answer, 'overloaded', /at most 2 photos waiting/)
    await expectRecovered()
  })

  test('keeps no server with many workers from starting', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_PHOTOS: '1', VERGER_WORKERS: '6' } })
    await expectRecovered()
  })
})

describe('two models', () => {
  test('share a queue that one of them has filled', async () => {
    const home = await createModelHome()
    server = await startServer({
      env: { VERGER_HOME: home.path, VERGER_MAX_QUEUED_PHOTOS: '4', VERGER_WORKERS: '1' },
    })
    const ask = (query: string) =>
      fetch(`${server.url}/predict${query}`, {
        method: 'POST',
        headers: { 'content-type': 'image/jpeg' },
        body: photo,
      })
    // The backbone is the other one: who names no model has a turn too.
    expect((await ask('?model=fruits')).status).toBe(200)
    const greedy = Array.from({ length: 40 }, () => ask('?model=fruits'))
    const modest = await Promise.all([ask(''), ask('')])
    expect(modest.map(({ status }) => status)).toEqual([200, 200])
    const answers = await Promise.all(greedy)
    for (const answer of answers) {
      if (answer.status === 200) continue
      const { error } = (await answer.json()) as { error: { code: string; hint: string } }
      expect([answer.status, error.code]).toEqual(
        answer.status === 429 ? [429, 'share_exceeded'] : [503, 'overloaded'],
      )
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(error.hint).toContain('VERGER_MAX_QUEUED_PHOTOS')
    }
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    expect(answers.filter(({ status }) => status !== 200).length).toBeGreaterThan(0)
    await home.remove()
  })
})

describe('bytes of requests', () => {
  test('beyond those held at once are refused', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_BYTES: '100000' } })
    const { port, url } = server
    const beginRequest = async () => {
      const connection = await openConnection(port)
      connection.socket.write(predictHead(99_000))
      connection.socket.write(Buffer.alloc(98_000))
      return connection
    }
    let waiting = await beginRequest()
    // The first request is here as soon as the second, which comes after it, is refused. It is itself refused where its
    // bytes come while the second is being answered.
    await expect
      .poll(async () => {
        if (waiting.received() !== '') waiting = await beginRequest()
        return (await predict(url, photo, { type: 'image/jpeg' })).status
      }, SOON)
      .toBe(503)
    const answer = await predict(server.url, photo, { type: 'image/jpeg' })
    expectError(
      answer,
      'overloaded',
      /at most 100000 bytes of requests at once, and 98000 are here/,
    )
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    expect((await get(`${server.url}/healthz`)).status).toBe(200)
    waiting.socket.destroy()
    await expect
      .poll(async () => (await predict(server.url, photo, { type: 'image/jpeg' })).status, SOON)
      .toBe(200)
  })

  test('that were announced and never came keep nobody waiting', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_BYTES: '100000' } })
    const silent = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { socket } = await openConnection(server.port)
        socket.write(predictHead(99_000))
        return socket
      }),
    )
    await sleep(100)
    predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
    for (const socket of silent) socket.destroy()
  })

  test.each([
    ['a raw body', 'image/jpeg', ''],
    [
      'a multipart body',
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="p"; filename="a.jpg"\r\n\r\n',
    ],
  ])('that fit no longer are refused in the middle of %s', async (_what, type, start) => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_BYTES: '100000' } })
    // Without a length, so that only the bytes can tell.
    const head = `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
    const send = ({ socket }: RawConnection, bytes: Uint8Array) => {
      socket.write(`${bytes.length.toString(16)}\r\n`)
      socket.write(bytes)
      socket.write('\r\n')
    }
    const [first, second] = [await openConnection(server.port), await openConnection(server.port)]
    for (const each of [first, second]) {
      each.socket.write(head)
      send(each, Buffer.concat([Buffer.from(start), Buffer.alloc(40_000)]))
    }
    await sleep(100)
    expect([first.received(), second.received()]).toEqual(['', ''])
    send(second, Buffer.alloc(30_000))
    await expect.poll(second.received, SOON).toMatch(/^HTTP\/1\.1 503 [\s\S]*"overloaded"/)
    expect(first.received()).toBe('')
    for (const { socket } of [first, second]) socket.destroy()
    await expect
      .poll(async () => (await predict(server.url, photo, { type: 'image/jpeg' })).status, SOON)
      .toBe(200)
  })

  test('of answered requests are free again', async () => {
    server = await startServer({ env: { VERGER_MAX_QUEUED_BYTES: '20000' } })
    for (let count = 0; count < 20; count++) {
      predictionsOf(await predict(server.url, photo, { type: 'image/jpeg' }))
    }
  })
})

describe('the deadline', () => {
  test('is told to those whose turn did not come, and the server goes on', async () => {
    server = await startServer({ env: { VERGER_DEADLINE_MS: '2500', VERGER_WORKERS: '1' } })
    const answers = await burst(600)
    const late = withStatus(answers, 504)
    expect(withStatus(answers, 200).length).toBeGreaterThan(0)
    expect(late.length).toBeGreaterThan(0)
    expect(withStatus(answers, 200).length + late.length).toBe(600)
    for (const answer of late) {
      expectError(answer, 'deadline_exceeded', /Expected an answer within 2500 ms, none was ready/)
    }
    await expectRecovered()
  })

  test('among several photos is told for each that did not come, beside those that did', async () => {
    server = await startServer({
      env: {
        VERGER_DEADLINE_MS: '2500',
        VERGER_WORKERS: '1',
        VERGER_MAX_REQUEST_PHOTOS: '600',
      },
    })
    const form = formOf(Array.from({ length: 600 }, () => ['a.jpg', photo]))
    const predictions = predictionsOf(await predict(server.url, form))
    const codes = new Set(predictions.map(({ error }) => error?.code ?? 'ok'))
    expect(codes).toEqual(new Set(['ok', 'deadline_exceeded']))
    await expectRecovered()
  })
})
