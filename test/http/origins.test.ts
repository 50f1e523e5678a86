/** Pages of other origins: those that are allowed, and the others. */
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectError, get, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const raw = { type: 'image/jpeg' }
const ALLOWED = 'https://app.example.com'

/** Like `get`, with a host of one's own, which `fetch` does not let anybody name. */
function getAs(port: number, host: string, path = '/api/models') {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    request(
      { port, host: '127.0.0.1', path, headers: { host }, agent: false },
      async (response) => {
        const text = Buffer.concat(await response.toArray()).toString()
        resolve({ status: response.statusCode ?? 0, text })
      },
    )
      .once('error', reject)
      .end()
  })
}

describe('a server without a token', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
  })

  test.each(['https://evil.example', 'http://127.0.0.1:1', 'http://localhost', 'null'])(
    'does not answer a page of %s',
    async (origin) => {
      const answer = await predict(server.url, photo, { ...raw, headers: { origin } })
      expectError(answer, 'origin_refused', /received one of/)
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    },
  )

  test('answers its own page', async () => {
    const headers = { origin: server.url }
    predictionsOf(await predict(server.url, photo, { ...raw, headers }))
  })

  test.each([
    'evil.example',
    'evil.example:4400',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
  ])('does not answer to the name %s, which others can turn towards it', async (host) => {
    expectError(await getAs(server.port, host), 'origin_refused', /a name of this machine/)
  })

  test.each([
    'localhost',
    'LOCALHOST:80',
    '127.0.0.1:80',
    '[::1]:80',
    '192.168.1.5',
    'registry.localhost:4400',
    'us-central1-ml.googleapis.com',
  ])('answers to %s', async (host) => {
    expect(await getAs(server.port, host)).toMatchObject({ status: 200 })
  })

  test('leaves open what tells nothing', async () => {
    expect(await getAs(server.port, 'evil.example', '/healthz')).toMatchObject({ status: 200 })
  })

  test('says in each answer what a browser may do with it', async () => {
    const { headers } = await get(`${server.url}/api/models`)
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect(headers['strict-transport-security']).toBeUndefined()
    expect(headers['access-control-allow-origin']).toBeUndefined()
    const page = await get(`${server.url}/`)
    expect(page.headers['content-security-policy']).toMatch(/default-src 'self'/)
  })
})

describe.each([
  ['without a token', {}, {}],
  ['with a token', { VERGER_TOKEN: 'a-long-secret' }, { authorization: 'Bearer a-long-secret' }],
])('a server %s that allows an origin', (_what, env, token) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ env: { ...env, VERGER_CORS_ORIGINS: ALLOWED } })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
  })

  const preflight = (origin: string) =>
    fetch(`${server.url}/predict`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })

  test('tells its page before it asks', async () => {
    const { status, headers } = await preflight(ALLOWED)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(ALLOWED)
    expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('vary')).toMatch(/Origin/i)
  })

  test('answers its page', async () => {
    const headers = { ...token, origin: ALLOWED }
    const answer = await predict(server.url, photo, { ...raw, headers })
    predictionsOf(answer)
    expect(answer.headers['access-control-allow-origin']).toBe(ALLOWED)
    expect(answer.headers['access-control-expose-headers']).toMatch(/x-request-id/)
  })

  test('lets its page read errors', async () => {
    const headers = { ...token, origin: ALLOWED }
    const answer = await predict(server.url, new Uint8Array(), { ...raw, headers })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.headers['access-control-allow-origin']).toBe(ALLOWED)
  })

  test('tells other pages nothing', async () => {
    const { headers } = await preflight('https://evil.example')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})
