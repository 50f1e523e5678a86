/** What a server with models tells of them: to Prometheus, and to probes. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { expectError, formOf, get, predict, predictionsOf } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { lintMetrics, parseMetrics, readMetrics } from '../support/prometheus.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { TINY_LABELS, TINY_PHOTOS } from '../support/tiny-bundle.ts'

let home: ModelHome
let server: TestServer
beforeAll(async () => {
  home = await createModelHome()
  server = await startServer({ env: { VERGER_HOME: home.path } })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

const send = (name: string, query = 'model=fruits') =>
  predict(server.url, readPhoto(name), { type: 'application/octet-stream', query })

/** How much each series grew while `work` ran. */
async function grown(work: () => Promise<unknown>) {
  const before = await readMetrics(server.url)
  await work()
  const after = await readMetrics(server.url)
  return (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0)
}

const V1 = 'model="fruits",version="v1"'

describe('metrics of a version', () => {
  test('count its answers by what it dared to say', async () => {
    const by = await grown(async () => {
      await send('baseline.jpg')
      await send('rgb.png')
      await send('grey.jpg')
      await send('alpha.png')
    })
    const decisions = ['ok', 'unsure', 'unknown']
    expect(
      decisions.map((decision) => by(`verger_answers_total{${V1},decision="${decision}"}`)),
    ).toEqual([2, 1, 1])
  })

  test('count its answers by label, of the version that answered', async () => {
    const [label = ''] = TINY_LABELS
    const by = await grown(async () => {
      await send('baseline.jpg')
      await send('baseline.jpg', 'model=fruits&version=v2')
    })
    expect(by(`verger_answers_by_label_total{${V1},label="${label}"}`)).toBe(1)
    expect(by(`verger_answers_by_label_total{model="fruits",version="v2",label="${label}"}`)).toBe(
      1,
    )
  })

  test('time its answers and tell how sure it was', async () => {
    const by = await grown(() => send('baseline.jpg'))
    expect(by(`verger_answer_duration_seconds_count{${V1}}`)).toBe(1)
    expect(by(`verger_answer_duration_seconds_sum{${V1}}`)).toBeGreaterThan(0.001)
    expect(by(`verger_answer_score_count{${V1}}`)).toBe(1)
    const score = by(`verger_answer_score_sum{${V1}}`)
    const [{ top = [] } = {}] = predictionsOf(await send('baseline.jpg'))
    expect(score).toBeCloseTo(top[0]?.score ?? 0, 6)
  })

  test('tell how far photos are from those of training', async () => {
    const familiar = await grown(async () => {
      for (const name of Object.values(TINY_PHOTOS).flat()) await send(name)
    })
    const count = `verger_feature_spread_count{${V1}}`
    const sum = `verger_feature_spread_sum{${V1}}`
    const ordinary = familiar(sum) / familiar(count)
    expect(familiar(count)).toBe(8)
    expect(ordinary).toBeGreaterThan(0.3)
    expect(ordinary).toBeLessThan(2)
    const strange = await grown(() => send('alpha.png'))
    expect(strange(sum) / strange(count)).not.toBeCloseTo(ordinary, 2)
    expect((await readMetrics(server.url)).get(`verger_feature_shift{${V1}}`)).toBeDefined()
  })

  test('say nothing of features where a bare backbone answered', async () => {
    const by = await grown(() => send('baseline.jpg', ''))
    const nobody = 'model="",version=""'
    expect(by(`verger_answers_total{${nobody},decision="ok"}`)).toBe(1)
    expect(by(`verger_feature_spread_count{${nobody}}`)).toBe(0)
  })

  test('have no series for models and versions that do not exist', async () => {
    await send('baseline.jpg', 'model=nothing')
    await send('baseline.jpg', 'model=fruits&version=v99')
    const series = [...(await readMetrics(server.url)).keys()]
    expect(series.filter((each) => /nothing|v99/.test(each))).toEqual([])
  })
})

describe('metrics of requests', () => {
  test('tell how many photos came in one', async () => {
    const form = formOf(
      ['rgb.png', 'baseline.jpg', 'grey.jpg'].map((name) => [name, readPhoto(name)]),
    )
    const by = await grown(() => predict(server.url, form))
    expect(by('verger_photos_per_request_count')).toBe(1)
    expect(by('verger_photos_per_request_sum')).toBe(3)
    expect(by('verger_photos_per_request_bucket{le="2"}')).toBe(0)
    expect(by('verger_photos_per_request_bucket{le="4"}')).toBe(1)
  })
})

describe('metrics of what is loaded', () => {
  test('tell the versions by state, and the memory of each and of its backbone', async () => {
    await send('baseline.jpg')
    const metrics = await readMetrics(server.url)
    expect(metrics.get('verger_versions{state="ready"}')).toBeGreaterThan(0)
    expect(metrics.get('verger_versions{state="failed"}')).toBe(0)
    expect(metrics.get(`verger_version_memory_bytes{${V1}}`)).toBeGreaterThan(10_000)
    expect(
      metrics.get('verger_backbone_memory_bytes{backbone="efficientnet-lite0"}'),
    ).toBeGreaterThan(1e7)
    expect(metrics.get('verger_version_load_duration_seconds_count{result="ok"}')).toBeGreaterThan(
      0,
    )
  })

  test('tell whose photos wait', async () => {
    const form = formOf(
      Array.from({ length: 100 }, (_, index) => [`${index}.jpg`, readPhoto('baseline.jpg')]),
    )
    const answering = predict(server.url, form, { query: 'model=fruits' })
    await vi.waitFor(
      async () =>
        expect(
          (await readMetrics(server.url)).get('verger_model_photos_waiting{model="fruits"}'),
        ).toBeGreaterThan(10),
      { timeout: 5000, interval: 5 },
    )
    await answering
  })

  test('count switches of the default', async () => {
    const put = (version: string) =>
      fetch(`${server.url}/api/models/fruits/default`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ version }),
      })
    const by = await grown(async () => {
      for (const version of ['v2', 'v1']) {
        expect((await put(version)).status).toBe(200)
        await send('baseline.jpg')
      }
    })
    expect(by('verger_default_switches_total{model="fruits"}')).toBe(2)
  })
})

describe('metrics of the registry', () => {
  const calls = 'verger_registry_call_duration_seconds_count'

  test('time its calls', async () => {
    const by = await grown(() => get(`${server.url}/api/models`))
    expect(by(`${calls}{operation="listModels",result="ok"}`)).toBe(1)
  })

  test('count those that failed by the code of the error', async () => {
    const by = await grown(() => get(`${server.url}/api/models/nothing`))
    expect(by(`${calls}{operation="getModel",result="model_unknown"}`)).toBe(1)
  })

  test('time calls to the blob store', async () => {
    const metrics = await readMetrics(server.url)
    expect(
      metrics.get('verger_blob_call_duration_seconds_count{operation="get",result="ok"}'),
    ).toBeGreaterThan(0)
  })
})

describe('all metrics', () => {
  test('follow the naming practice of Prometheus', async () => {
    const { text } = await get(`${server.url}/metrics`)
    expect(lintMetrics(text)).toEqual([])
    expect(parseMetrics(text).size).toBeGreaterThan(100)
  })

  test('are quick to read', async () => {
    const startMs = performance.now()
    await get(`${server.url}/metrics`)
    expect(performance.now() - startMs).toBeLessThan(500)
  })

  test('show a photo that was refused with the code of its error', async () => {
    const by = await grown(() => send('text.jpg'))
    await vi.waitFor(() => expect(by('verger_photos_total{result="photo_format_unknown"}')).toBe(1))
  })
})

describe('GET /readyz/MODEL', () => {
  const readiness = (path: string) => get(`${server.url}/readyz/${path}`)

  test('says which version would answer', async () => {
    const answer = await readiness('fruits')
    expect(answer).toMatchObject({ status: 200 })
    expect(JSON.parse(answer.text)).toEqual({ status: 'ready', model: 'fruits', version: 'v1' })
  })

  test('takes a version', async () => {
    const { text } = await readiness('fruits?version=v2')
    expect(JSON.parse(text)).toEqual({ status: 'ready', model: 'fruits', version: 'v2' })
  })

  test.each([
    ['cars', 'model_unknown', /"cars"/],
    ['fruits?version=v9', 'version_unknown', /"v9"/],
  ] as const)('%s is answered %s', async (path, code, message) => {
    expectError(await readiness(path), code, message)
  })
})
