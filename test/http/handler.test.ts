/** `createHandler()` of the package: the server as a function, without a network. */

import { createHandler, readConfig } from 'verger'
import { afterAll, describe, expect, test } from 'vitest'
import { expectError, formOf, predictionsOf, readAnswer } from '../support/http-client.ts'
import { readPhoto } from '../support/photos.ts'

const photo = readPhoto('baseline.jpg')
const ORIGIN = 'https://fruit.example'
const env = { VERGER_WORKERS: '1', VERGER_LOG_LEVEL: 'silent' }

const handler = createHandler(readConfig(env))
afterAll(() => handler.close())

const post = (body: Uint8Array<ArrayBuffer> | FormData | string, type?: string) =>
  new Request(`${ORIGIN}/predict`, {
    method: 'POST',
    body,
    headers: type === undefined ? {} : { 'content-type': type },
  })

describe('a handler', () => {
  test('answers a photo', async () => {
    const response = await handler(post(photo, 'image/jpeg'))
    expect(response).toBeInstanceOf(Response)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const [prediction] = predictionsOf(await readAnswer(response))
    expect(prediction?.top).toHaveLength(5)
  })

  test('answers a form of several photos in their order', async () => {
    const form = formOf([
      ['b.jpg', photo],
      ['a.jpg', readPhoto('empty.jpg')],
      ['c.png', readPhoto('rgb.png')],
    ])
    const predictions = predictionsOf(await readAnswer(await handler(post(form))))
    expect(predictions.map(({ source }) => source)).toEqual(['b.jpg', 'a.jpg', 'c.png'])
    expect(predictions[1]?.error?.code).toBe('photo_empty')
  })

  test('answers JSON', async () => {
    const body = JSON.stringify({ image: photo.toString('base64') })
    const answer = await readAnswer(await handler(post(body, 'application/json')))
    expect(predictionsOf(answer)).toHaveLength(1)
  })

  test('reads the query', async () => {
    const request = new Request(`${ORIGIN}/predict?top=3`, {
      method: 'POST',
      body: photo,
      headers: { 'content-type': 'image/jpeg' },
    })
    const [prediction] = predictionsOf(await readAnswer(await handler(request)))
    expect(prediction?.top).toHaveLength(3)
  })

  test('answers a bad photo with its error', async () => {
    const answer = await readAnswer(await handler(post(readPhoto('text.jpg'), 'image/jpeg')))
    expectError(answer, 'photo_format_unknown', /received 21 bytes/)
  })

  test('answers an unknown route', async () => {
    const answer = await readAnswer(await handler(new Request(`${ORIGIN}/nowhere`)))
    expectError(answer, 'route_unknown', /Nothing answers GET \/nowhere/)
  })

  test('answers HEAD without a body', async () => {
    const response = await handler(new Request(`${ORIGIN}/healthz`, { method: 'HEAD' }))
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('serves the page and answers 304 to whom has it', async () => {
    const response = await handler(new Request(`${ORIGIN}/`))
    expect(await response.text()).toMatch(/<title>Verger<\/title>/)
    const headers = { 'if-none-match': response.headers.get('etag') ?? '' }
    expect((await handler(new Request(`${ORIGIN}/`, { headers }))).status).toBe(304)
  })

  test('answers many requests at once', async () => {
    const requests = Array.from({ length: 50 }, () => handler(post(photo, 'image/jpeg')))
    const answers = await Promise.all((await Promise.all(requests)).map(readAnswer))
    const [first, ...others] = answers.map(predictionsOf)
    for (const other of others) expect(other).toEqual(first)
  })
})

test('a handler keeps to the limits of its configuration', async () => {
  const small = createHandler(readConfig({ ...env, VERGER_MAX_REQUEST_BYTES: '1000' }))
  const answer = await readAnswer(await small(post(photo, 'image/jpeg')))
  await small.close()
  expectError(answer, 'body_too_large', /at most 1000 bytes, received/)
})

test('a handler holds no bytes of requests that it has answered', async () => {
  const small = createHandler(readConfig({ ...env, VERGER_MAX_QUEUED_BYTES: '6000' }))
  const statuses: number[] = []
  for (let count = 0; count < 4; count++) {
    statuses.push((await small(post(photo, 'image/jpeg'))).status)
  }
  await small.close()
  expect(statuses).toEqual([200, 200, 200, 200])
})

test('a handler wants its token', async () => {
  const closed = createHandler(readConfig({ ...env, VERGER_TOKEN: 'secret' }))
  const without = await readAnswer(await closed(post(photo, 'image/jpeg')))
  const request = post(photo, 'image/jpeg')
  request.headers.set('authorization', 'Bearer secret')
  const withToken = await readAnswer(await closed(request))
  await closed.close()
  expectError(without, 'unauthorized', /received none/)
  predictionsOf(withToken)
})

test('a handler answers again after it was closed', async () => {
  const again = createHandler(readConfig(env))
  predictionsOf(await readAnswer(await again(post(photo, 'image/jpeg'))))
  await again.close()
  predictionsOf(await readAnswer(await again(post(photo, 'image/jpeg'))))
  await again.close()
})

test('a handler that was never asked can be closed', async () => {
  await createHandler(readConfig(env)).close()
})
