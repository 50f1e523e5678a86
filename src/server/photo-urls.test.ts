import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../core/config.ts'
import { createUrlReader } from './photo-urls.ts'
import { photosOfJson } from './routes/predict-json.ts'

let server: Server
let port: number
let atOnce = 0
let mostAtOnce = 0

beforeAll(async () => {
  server = createServer(async (request, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    await sleep(20)
    atOnce--
    response.end(`photo at ${request.url}`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const network = { resolve: async () => ['127.0.0.1'], isPublic: () => true }

test('reads the URLs of a request in their places, a few at a time, and counts their bytes', async () => {
  const readUrl = createUrlReader(readConfig({ VERGER_ALLOW_URLS: String(port) }), network)
  let held = 0
  const holding = { take: (count: number) => (held += count) }
  const images = Array.from({ length: 40 }, (_, index) => ({
    url: `http://photos.example:${port}/${index}`,
  }))
  const photos = photosOfJson({ images }, (url, signal) => readUrl(url, holding, signal))
  expect(photos[3]?.source).toBe(`http://photos.example:${port}/3`)
  const { signal } = new AbortController()
  const texts = await Promise.all(photos.map(async ({ read }) => String(await read(signal))))
  expect(texts).toEqual(images.map((_, index) => `photo at /${index}`))
  expect(mostAtOnce).toBeLessThanOrEqual(16)
  expect(mostAtOnce).toBeGreaterThan(4)
  expect(held).toBe(texts.join('').length)
})

test('asks nobody for those whose turn comes after their caller has left', async () => {
  const readUrl = createUrlReader(readConfig({ VERGER_ALLOW_URLS: String(port) }), network)
  const controller = new AbortController()
  controller.abort(new Error('left'))
  const reading = readUrl(`http://a.example:${port}/`, { take() {} }, controller.signal)
  await expect(reading).rejects.toThrow('left')
})
