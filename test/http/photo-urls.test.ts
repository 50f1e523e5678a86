/** Photos by URL: off unless allowed, and never from where only the server can look. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectError, predict, predictionsOf } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

const photo = readPhoto('baseline.jpg')
const json = { type: 'application/json' }
let inside: Server
let insidePort: number
let asked = 0
let closed: TestServer
let allowing: TestServer

beforeAll(async () => {
  inside = createServer((_request, response) => {
    asked++
    response.end(photo)
  })
  await once(inside.listen(0, '127.0.0.1'), 'listening')
  insidePort = (inside.address() as AddressInfo).port
  closed = await startServer()
  allowing = await startServer({ env: { VERGER_ALLOW_URLS: `80,443,${insidePort}` } })
})
afterAll(async () => {
  inside.close()
  for (const server of [closed, allowing]) expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  expect(asked).toBe(0)
})

const ask = (server: TestServer, body: object) => predict(server.url, JSON.stringify(body), json)

test('are refused as a whole where they are not allowed', async () => {
  const answer = await ask(closed, { image: { url: 'https://example.com/a.jpg' } })
  const { hint } = expectError(answer, 'urls_off', /Expected the bytes of a photo, received a URL/)
  expect(hint).toMatch(/VERGER_ALLOW_URLS/)
})

test.each(['127.0.0.1', 'localhost', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
  'are not fetched from %s',
  async (host) => {
    const answer = await ask(allowing, { image: { url: `http://${host}:${insidePort}/` } })
    expectError(answer, 'url_refused', /Expected a URL that leads to public addresses/)
  },
)

test('are refused one by one beside photos that are answered', async () => {
  const answer = await ask(allowing, {
    images: [
      photo.toString('base64'),
      { url: `http://127.0.0.1:${insidePort}/a.jpg` },
      { url: 'http://169.254.169.254/latest/meta-data/', name: 'metadata' },
      { url: 'https://a.example:22/' },
    ],
  })
  const answers = predictionsOf(answer)
  expect(answers.map(({ source, error }) => [source, error?.code])).toEqual([
    ['images[0]', undefined],
    [`http://127.0.0.1:${insidePort}/a.jpg`, 'url_refused'],
    ['metadata', 'url_refused'],
    ['https://a.example:22/', 'url_refused'],
  ])
})

test.each([{ url: 3 }, { url: 'http://a.example/', b64: 'aaaa' }, { url: 'h'.repeat(5000) }])(
  'are described by %o no better than by nothing',
  async (image) => {
    expectError(await ask(allowing, { image }), 'request_invalid', /body\/image/)
  },
)
