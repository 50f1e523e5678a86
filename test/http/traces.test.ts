/** What a collector of OpenTelemetry hears of requests, and what happens where it does not hear. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { formOf, get, predict, predictionsOf } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { type CollectedSpan, type Collector, startCollector } from '../support/otlp-collector.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

let home: ModelHome
let collector: Collector
let server: TestServer
beforeAll(async () => {
  home = await createModelHome()
  collector = await startCollector()
  server = await startServer({
    env: {
      VERGER_HOME: home.path,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'orchard',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await collector.close()
  await home.remove()
})

const send = (headers: Record<string, string> = {}, name = 'baseline.jpg') =>
  predict(server.url, readPhoto(name), {
    type: 'application/octet-stream',
    query: 'model=fruits',
    headers,
  })

/** The spans of the trace that an answer names, once the span of the request is among them. */
async function spansOf(response: unknown): Promise<CollectedSpan[]> {
  const [, traceId, spanId] = String(response).split('-')
  return vi.waitFor(
    () => {
      const spans = collector.spans.filter((span) => span.traceId === traceId)
      if (!spans.some((span) => span.spanId === spanId)) throw new Error('no span of the request')
      return spans
    },
    { timeout: 5000 },
  )
}

const named = (spans: readonly CollectedSpan[], name: string) => {
  const span = spans.find((each) => each.name === name)
  if (span === undefined)
    throw new Error(`Expected a span ${name} among ${spans.map((each) => each.name)}`)
  return span
}

describe('a trace', () => {
  test('has the request, its photo, and the steps of its answer in their order', async () => {
    const answer = await send()
    const spans = await spansOf(answer.headers['traceresponse'])
    const request = named(spans, 'POST /predict')
    expect(request).toMatchObject({
      values: {
        'http.request.method': 'POST',
        'http.route': '/predict',
        'http.response.status_code': 200,
        'verger.photos': 1,
        'verger.request_id': answer.headers['x-request-id'],
      },
      resource: { 'service.name': 'orchard', 'service.version': expect.any(String) },
    })
    const each = named(spans, 'photo')
    expect(each.parentSpanId).toBe(request.spanId)
    expect(each.values).toEqual({
      'verger.model': 'fruits',
      'verger.version': 'v1',
      'verger.decision': 'ok',
    })
    const steps = ['read', 'queue', 'infer', 'judge'].map((name) => named(spans, name))
    for (const step of steps) expect(step.parentSpanId).toBe(each.spanId)
    const times = steps.flatMap((step) => [step.startTimeUnixNano, step.endTimeUnixNano])
    expect(times.map(BigInt)).toEqual(
      times.map(BigInt).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    )
  })

  test('goes on with that of the caller', async () => {
    const answer = await send({
      traceparent: `00-${TRACE}-${PARENT}-01`,
      tracestate: 'congo=t61rcWkgMzE',
    })
    expect(answer.headers['traceresponse']).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-01$`))
    const request = named(await spansOf(answer.headers['traceresponse']), 'POST /predict')
    expect(request).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: 'congo=t61rcWkgMzE',
    })
  })

  test('is not sent where the caller has not sampled it', async () => {
    const trace = TRACE.replace('4', '5')
    const answer = await send({ traceparent: `00-${trace}-${PARENT}-00` })
    expect(answer.status).toBe(200)
    await spansOf((await send()).headers['traceresponse'])
    expect(collector.spans.filter(({ traceId }) => traceId === trace)).toEqual([])
  })

  test('begins here where the caller sends nonsense', async () => {
    const answer = await send({ traceparent: 'nonsense' })
    const request = named(await spansOf(answer.headers['traceresponse']), 'POST /predict')
    expect(request.parentSpanId ?? '').toBe('')
  })

  test('says which error a photo had', async () => {
    const answer = await send({}, 'text.jpg')
    const spans = await spansOf(answer.headers['traceresponse'])
    expect(named(spans, 'photo')).toMatchObject({
      values: { 'error.type': 'photo_format_unknown' },
      status: { code: 2, message: expect.stringContaining('Expected') },
    })
    expect(named(spans, 'POST /predict').status.code ?? 0).toBe(0)
  })

  test('of many photos shows the first of them', async () => {
    const form = formOf(Array.from({ length: 20 }, (_, index) => [`${index}.jpg`, photo]))
    const answer = await predict(server.url, form)
    expect(predictionsOf(answer)).toHaveLength(20)
    const spans = await spansOf(answer.headers['traceresponse'])
    expect(spans.filter(({ name }) => name === 'photo')).toHaveLength(16)
    expect(named(spans, 'POST /predict').values['verger.photos']).toBe(20)
  })

  test('has its id in the log lines of the request', async () => {
    const answer = await send()
    const [, traceId] = String(answer.headers['traceresponse']).split('-')
    await vi.waitFor(() => {
      const line = server.stderr
        .map((text) => JSON.parse(text))
        .find((each) => each.traceId === traceId)
      expect(line).toMatchObject({ reqId: answer.headers['x-request-id'], status: 200 })
    })
  })

  test('has one name for all unknown routes', async () => {
    const answer = await get(`${server.url}/unknown-path`)
    const spans = await spansOf(answer.headers['traceresponse'])
    expect(spans.map(({ name }) => name)).toEqual(['GET unknown'])
  })
})

describe('where the collector is down', () => {
  test('answers are as before, one line says so, and the server ends in time', async () => {
    const { url, close } = await startCollector()
    await close()
    const lonely = await startServer({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '50' },
    })
    for (let count = 0; count < 5; count++) {
      predictionsOf(await predict(lonely.url, photo, { type: 'image/jpeg' }))
    }
    await get(`${lonely.url}/healthz`)
    const startMs = performance.now()
    expect(await lonely.stop()).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(15_000)
    const warnings = lonely.stderr.map((line) => JSON.parse(line)).filter(({ level }) => level > 30)
    expect(warnings.length).toBeLessThanOrEqual(1)
    for (const warning of warnings) expect(warning.msg).toBe('traces cannot be sent')
  })
})

describe('without a collector', () => {
  test('nothing is traced', async () => {
    const plain = await startServer()
    const answer = await predict(plain.url, photo, {
      type: 'image/jpeg',
      headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    })
    expect(await plain.stop()).toBe(0)
    expect(answer.headers['traceresponse']).toBeUndefined()
  })
})
