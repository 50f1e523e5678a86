/** Corrected photos: kept only where the owner has opted in, and only if they are photos. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expectError, predict, predictionsOf, readAnswer } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

const TOKEN = 'a-long-secret-of-the-orchard'
const photo = readPhoto('baseline.jpg')

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

/** What the owner types while the server runs. */
async function decide(flag: '--keep-corrections' | '--no-keep-corrections'): Promise<void> {
  const { exitCode } = await runProgram(['models', 'update', 'fruits', flag], {
    VERGER_HOME: home.path,
  })
  expect(exitCode).toBe(0)
}

interface Sent {
  readonly photos?: readonly Buffer<ArrayBuffer>[]
  readonly fields?: Readonly<Record<string, string>>
  readonly model?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly url?: string
}

async function send({ photos = [photo], fields, model = 'fruits', headers = {}, url }: Sent = {}) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields ?? { version: 'v1', label: 'quince' })) {
    form.set(name, value)
  }
  for (const each of photos) form.append('photo', new Blob([each]), 'photo.jpg')
  const response = await fetch(`${url ?? server.url}/api/models/${model}/corrections`, {
    method: 'POST',
    body: form,
    headers,
  })
  return readAnswer(response)
}

test('nothing is kept before the owner opts in', async () => {
  const { hint } = expectError(await send(), 'corrections_off', /nothing was kept/)
  expect(hint).toBe('verger models update fruits --keep-corrections')
  expect(await home.readCorrections()).toEqual([])
})

describe('once the owner has opted in', () => {
  beforeAll(() => decide('--keep-corrections'))
  afterAll(() => decide('--no-keep-corrections'))
  let keptBefore: number
  beforeEach(async () => {
    keptBefore = (await home.readCorrections()).length
  })
  const nothingMoreIsKept = async () =>
    expect(await home.readCorrections()).toHaveLength(keptBefore)

  test('a photo is kept with its label and with what the version said of it', async () => {
    const answer = await send({ fields: { version: 'v2', label: '  quince ' } })
    expect(answer).toMatchObject({ status: 201 })
    const query = 'model=fruits&version=v2'
    const [said] = predictionsOf(await predict(server.url, photo, { type: 'image/jpeg', query }))
    const [best] = said?.top ?? []
    expect(JSON.parse(answer.text)).toMatchObject({
      model: 'fruits',
      version: 'v2',
      label: 'quince',
      predicted: best?.label,
      score: best?.score,
    })
    const kept = await home.readCorrections()
    expect(kept).toMatchObject([{ label: 'quince', predicted: 'Granny_Smith' }])
    expect(Buffer.from(kept[0]?.photo ?? []).equals(photo)).toBe(true)
  })

  test('the same photo corrected again has the newer label', async () => {
    await send({ fields: { version: 'v1', label: 'pear' } })
    expect(await home.readCorrections()).toMatchObject([{ version: 'v1', label: 'pear' }])
  })

  test.each([
    ['an empty label', ' '],
    ['a new label of 101 characters', 'q'.repeat(101)],
    ['a label of two lines', 'quince\npear'],
  ])('refuses %s', async (_what, label) => {
    const answer = await send({ fields: { version: 'v1', label } })
    expectError(answer, 'label_invalid', /Expected a label of the version, or a new one/)
    await nothingMoreIsKept()
  })

  test('names everything that is missing', async () => {
    const answer = await send({ photos: [], fields: {} })
    expectError(answer, 'request_invalid', /one photo, received 0; the field version.*label/)
  })

  test('refuses two photos at once', async () => {
    expectError(await send({ photos: [photo, photo] }), 'request_invalid', /received 2/)
  })

  test('refuses another form than multipart', async () => {
    const response = await fetch(`${server.url}/api/models/fruits/corrections`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    const answer = await readAnswer(response)
    expectError(answer, 'content_type_unsupported', /multipart\/form-data, received application/)
  })

  test('keeps nothing that is no photo', async () => {
    const answer = await send({ photos: [readPhoto('text.jpg')] })
    expectError(answer, 'photo_format_unknown', /received 21 bytes/)
    await nothingMoreIsKept()
  })

  test('refuses a model or a version that does not exist', async () => {
    expectError(await send({ model: 'plums' }), 'model_unknown', /received "plums"/)
    const fields = { version: 'v7', label: 'quince' }
    expectError(await send({ fields }), 'version_unknown', /there is v1, v2/)
    await nothingMoreIsKept()
  })

  test('wants the token where there is one', async () => {
    const env = { VERGER_HOME: home.path, VERGER_TOKEN: TOKEN }
    const closed = await startServer({ env })
    const { url } = closed
    const without = await send({ url, photos: [readPhoto('grey.jpg')] })
    const keptWithout = (await home.readCorrections()).length
    const headers = { authorization: `Bearer ${TOKEN}` }
    const withToken = await send({ url, headers, photos: [readPhoto('grey.jpg')] })
    await closed.stop()
    expectError(without, 'unauthorized', /received none/)
    expect(keptWithout).toBe(keptBefore)
    expect(withToken).toMatchObject({ status: 201 })
    expect(await home.readCorrections()).toHaveLength(keptBefore + 1)
  })
})
