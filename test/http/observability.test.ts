/** What an operator sees: probes, metrics, request ids and logs. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { get, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { parseMetrics, readMetrics } from '../support/prometheus.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
})

const send = (headers: Record<string, string> = {}) =>
  predict(server.url, photo, { type: 'image/jpeg', headers })

/** The log line of a request, which is written after its answer. */
async function logLineOf(id: string | string[] | undefined): Promise<Record<string, unknown>> {
  return vi.waitFor(() => {
    const line = server.stderr.map((text) => JSON.parse(text)).find(({ reqId }) => reqId === id)
    if (line === undefined) throw new Error(`Expected a log line with the reqId ${id}`)
    return line
  })
}

describe('a probe', () => {
  test('of life is answered', async () => {
    expect(await get(`${server.url}/healthz`)).toMatchObject({
      status: 200,
      text: '{"status":"ok"}',
    })
  })

  test('of readiness is answered once every worker has the network', async () => {
    expect(await get(`${server.url}/readyz`)).toMatchObject({
      status: 200,
      text: '{"status":"ready"}',
    })
  })
})

describe('metrics', () => {
  test('are in the Prometheus text format', async () => {
    const answer = await get(`${server.url}/metrics`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    const metrics = parseMetrics(answer.text)
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
    const info = [...metrics.keys()].find((name) => name.startsWith('verger_info{'))
    expect(info).toMatch(/version="[\d.]+".*node="v\d/)
    expect(metrics.get('verger_backbone_workers{backbone="efficientnet-lite0"}')).toBe(2)
  })

  test('count photos by their result', async () => {
    const before = await readMetrics(server.url)
    await send()
    await send()
    await predict(server.url, readPhoto('text.jpg'), { type: 'image/jpeg' })
    const images = [photo.toString('base64'), '*']
    await predict(server.url, JSON.stringify({ images }), { type: 'application/json' })
    const after = await readMetrics(server.url)
    const grown = (result: string) => {
      const series = `verger_photos_total{result="${result}"}`
      return (after.get(series) ?? 0) - (before.get(series) ?? 0)
    }
    expect(['ok', 'photo_format_unknown', 'base64_invalid'].map(grown)).toEqual([3, 1, 1])
  })

  test('count and time requests by method, route and status', async () => {
    const count = 'verger_http_request_duration_seconds_count'
    const sum = 'verger_http_request_duration_seconds_sum'
    const labels = '{method="POST",route="/predict",status="200"}'
    const before = await readMetrics(server.url)
    await send()
    await vi.waitFor(async () => {
      const after = await readMetrics(server.url)
      expect((after.get(count + labels) ?? 0) - (before.get(count + labels) ?? 0)).toBe(1)
      expect(after.get(sum + labels)).toBeGreaterThan(before.get(sum + labels) ?? 0)
    })
  })

  test('have one series for all unknown routes', async () => {
    for (const name of ['a', 'b', 'c']) await get(`${server.url}/unknown-${name}?${name}`)
    await vi.waitFor(async () => {
      const routes = [...(await readMetrics(server.url)).keys()].filter((name) =>
        name.includes('status="404"'),
      )
      expect(routes.every((name) => name.includes('route="unknown"'))).toBe(true)
      expect(routes.length).toBeGreaterThan(0)
    })
  })

  test('show that nothing waits and nothing runs', async () => {
    await send()
    const metrics = await readMetrics(server.url)
    expect(metrics.get('verger_photos_waiting')).toBe(0)
    await vi.waitFor(async () =>
      expect((await readMetrics(server.url)).get('verger_photos_running')).toBe(0),
    )
  })
})

describe('the id of a request', () => {
  test.each(['abc', 'a-b_c.d:e', 'x'.repeat(100)])('that is sane is given back: %s', async (id) => {
    const answer = await send({ 'x-request-id': id })
    expect(answer.headers['x-request-id']).toBe(id)
    predictionsOf(answer)
  })

  test.each(['a b', '<script>', 'x'.repeat(101), '{"a":1}', 'é'])(
    'that is silly is replaced: %s',
    async (id) => {
      const answer = await send({ 'x-request-id': id })
      expect(answer.headers['x-request-id']).toMatch(UUID)
    },
  )

  test('is made up where there is none, another for each request', async () => {
    const ids = [await send(), await send()].map(({ headers }) => headers['x-request-id'])
    expect(ids[0]).toMatch(UUID)
    expect(ids[1]).toMatch(UUID)
    expect(ids[0]).not.toBe(ids[1])
  })

  test('stands on an error too', async () => {
    const answer = await get(`${server.url}/unknown`, { 'x-request-id': 'lost' })
    expect(answer).toMatchObject({ status: 404, headers: { 'x-request-id': 'lost' } })
  })
})

describe('the log', () => {
  test('has a line of JSON for a request with its id, status and duration', async () => {
    const { headers } = await send({ 'x-request-id': 'logged-1' })
    expect(await logLineOf(headers['x-request-id'])).toMatchObject({
      level: 30,
      reqId: 'logged-1',
      method: 'POST',
      url: '/predict',
      status: 200,
      durationMs: expect.any(Number),
    })
  })

  test('has a line for a refused request, at the same level', async () => {
    await get(`${server.url}/nowhere`, { 'x-request-id': 'logged-2' })
    expect(await logLineOf('logged-2')).toMatchObject({ level: 30, status: 404, url: '/nowhere' })
  })

  test('is lines of JSON and nothing else', () => {
    expect(server.stderr.length).toBeGreaterThan(10)
    for (const line of server.stderr)
      expect(JSON.parse(line)).toMatchObject({ level: 30, msg: expect.any(String) })
  })

  test('is silent when it is told to be', async () => {
    const silent = await startServer({ env: { VERGER_LOG_LEVEL: 'silent' } })
    await get(`${silent.url}/healthz`)
    expect(await silent.stop()).toBe(0)
    expect(silent.stderr).toEqual([])
  })
})
