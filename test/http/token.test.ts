/** A server with a token, and one on every address, which must have one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectError, get, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const TOKEN = 'a-long-secret-of-the-orchard'
const right = { authorization: `Bearer ${TOKEN}` }
const raw = { type: 'image/jpeg' }

describe('a server with a token', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ env: { VERGER_TOKEN: TOKEN } })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(serversLeft()).toEqual([])
    expect(server.stderr.join('\n')).not.toContain(TOKEN)
  })

  test('refuses photos without it and says what it wants', async () => {
    const answer = await predict(server.url, photo, raw)
    const message = /Expected the header Authorization: Bearer <token>, received none/
    const { hint } = expectError(answer, 'unauthorized', message)
    expect(hint).toMatch(/VERGER_TOKEN/)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm=/)
  })

  test.each([
    '/metrics',
    '/api/openapi.json',
    '/api/models',
    '/api/models/fruits/versions/v1/report',
    '/a/route/that/is/not/there',
  ])('refuses %s without it', async (path) => {
    const answer = await get(server.url + path)
    expectError(answer, 'unauthorized', /received none/)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test.each([
    'Bearer wrong',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN} ${TOKEN}`,
  ])('refuses another one: %s', async (authorization) => {
    const answer = await predict(server.url, photo, { ...raw, headers: { authorization } })
    expectError(answer, 'unauthorized', /received another token/)
  })

  test.each([TOKEN, `Basic ${btoa(`verger:${TOKEN}`)}`, 'Bearer', `Token ${TOKEN}`])(
    'refuses another scheme: %s',
    async (authorization) => {
      const answer = await predict(server.url, photo, { ...raw, headers: { authorization } })
      expectError(answer, 'unauthorized', /received none/)
    },
  )

  test('refuses one in the query', async () => {
    const answer = await get(`${server.url}/metrics?token=${TOKEN.slice(0, 6)}`)
    expectError(answer, 'unauthorized', /received none/)
  })

  test.each(['/metrics?x', '/%6detrics', '/api/openapi.json?'])(
    'is not got round by %s',
    async (path) => {
      expectError(await get(server.url + path), 'unauthorized', /received none/)
    },
  )

  test.each(['/METRICS', '//metrics', '/metrics/', '/api', '/api/', '/./x/../metrics/x'])(
    'shows nothing at %s',
    async (path) => {
      const { status } = await get(server.url + path)
      expect([401, 404]).toContain(status)
    },
  )

  test('refuses HEAD where it refuses GET', async () => {
    expect((await fetch(`${server.url}/metrics`, { method: 'HEAD' })).status).toBe(401)
  })

  test('answers photos that come with it', async () => {
    predictionsOf(await predict(server.url, photo, { ...raw, headers: right }))
  })

  test('takes the name of the scheme in any case', async () => {
    const headers = { authorization: `bearer ${TOKEN}` }
    predictionsOf(await predict(server.url, photo, { ...raw, headers }))
  })

  test.each(['/metrics', '/api/openapi.json', '/api/models'])(
    'answers %s with it',
    async (path) => {
      expect(await get(server.url + path, right)).toMatchObject({ status: 200 })
    },
  )

  test('says in its description which scope each route wants', async () => {
    const { text } = await get(`${server.url}/api/openapi.json`, right)
    expect(JSON.parse(text)).toMatchObject({
      paths: {
        '/api/models': {
          get: { security: [{ token: ['read'] }] },
          post: { security: [{ token: ['manage'] }] },
        },
        '/healthz': { get: { security: [] } },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    })
  })

  test.each(['/', '/favicon.svg', '/healthz', '/readyz'])('leaves %s open', async (path) => {
    expect(await get(server.url + path)).toMatchObject({ status: 200 })
    expect((await fetch(server.url + path, { method: 'HEAD' })).status).toBe(200)
  })

  test('leaves every file open that the page names', async () => {
    const { text } = await get(`${server.url}/`)
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file)
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) expect(await get(server.url + file)).toMatchObject({ status: 200 })
  })

  test('refuses a body before it has come', async () => {
    const answer = await predict(server.url, new Uint8Array(1_000_000), raw)
    expectError(answer, 'unauthorized', /received none/)
  })
})

test('a server on every address answers those who have its token', async () => {
  const server = await startServer({ env: { VERGER_TOKEN: TOKEN }, args: ['--host', '0.0.0.0'] })
  const without = await predict(server.url, photo, raw)
  const withToken = await predict(server.url, photo, { ...raw, headers: right })
  expect(await server.stop()).toBe(0)
  expectError(without, 'unauthorized', /received none/)
  predictionsOf(withToken)
})
