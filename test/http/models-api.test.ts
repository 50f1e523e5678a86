/** Our own API over models, versions and defaults: what changes, what is refused, and what is said. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import { type Answer, expectError, readAnswer } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'

let home: ModelHome | undefined
let server: TestServer
const stop = async () => {
  await server?.stop()
  await home?.remove()
}
beforeEach(async () => {
  await stop()
  home = await createModelHome({ description: 'Fruit at the market' })
  server = await startServer({ env: { VERGER_HOME: home.path } })
})
afterAll(async () => {
  await stop()
  expect(serversLeft()).toEqual([])
})

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const json = { 'content-type': 'application/json' }
  const content = body === undefined ? {} : { body: JSON.stringify(body), headers: json }
  return readAnswer(await fetch(`${server.url}/api${path}`, { method, ...content }))
}
async function expectJson(status: number, method: string, path: string, body?: unknown) {
  const answer = await ask(method, path, body)
  expect(answer, answer.text).toMatchObject({ status })
  return JSON.parse(answer.text)
}

describe('models', () => {
  test('are created, changed, listed page by page and deleted', async () => {
    const settings = { name: 'apples', description: 'Only apples' }
    expect(await expectJson(201, 'POST', '/models', settings)).toMatchObject(settings)
    const changed = await expectJson(200, 'PATCH', '/models/apples', { keepCorrections: true })
    expect(changed).toMatchObject({ ...settings, keepCorrections: true })

    const first = await ask('GET', '/models?limit=1')
    expect(JSON.parse(first.text)).toMatchObject([{ name: 'apples' }])
    const [, next] = /^<\/api([^>]+)>; rel="next"$/.exec(String(first.headers['link'])) ?? []
    const second = await ask('GET', next ?? '')
    expect(JSON.parse(second.text)).toMatchObject([{ name: 'fruits' }])
    expect(second.headers).not.toHaveProperty('link')

    const counts = { model: 'apples', versions: 0, changes: 0, corrections: 0 }
    const tried = await expectJson(200, 'DELETE', '/models/apples?dryRun=true')
    expect(tried).toEqual({ ...counts, isDeleted: false })
    const gone = await expectJson(200, 'DELETE', '/models/apples')
    expect(gone).toEqual({ ...counts, isDeleted: true })
    expectError(await ask('GET', '/models/apples'), 'model_unknown', /there is fruits/)
  })

  test('keep their versions unless forced', async () => {
    expectError(await ask('DELETE', '/models/fruits'), 'model_has_versions', /fruits has 2/)
    expect(await expectJson(200, 'DELETE', '/models/fruits?force=true')).toMatchObject({
      versions: 2,
      isDeleted: true,
    })
  })

  test('have a card', async () => {
    expect(await expectJson(200, 'GET', '/models/fruits/card')).toMatchObject({
      model: 'fruits',
      version: 'v1',
      backbone: { id: 'efficientnet-lite0' },
      head: { unsureBelow: expect.any(Number) },
      data: { photos: 8 },
    })
    expect(await expectJson(200, 'GET', '/models/fruits/card?version=v2')).toMatchObject({
      version: 'v2',
    })
  })

  test('are written only where somebody creates one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verger-empty-'))
    const empty = await startServer({ env: { VERGER_HOME: folder } })
    const before = await readdir(folder)
    const answer = await fetch(`${empty.url}/api/models`, {
      method: 'POST',
      body: '{"name":"fruits"}',
      headers: { 'content-type': 'application/json' },
    })
    const after = await readdir(folder)
    await empty.stop()
    await rm(folder, { recursive: true })
    expect(before).toEqual([])
    expect(answer.status).toBe(201)
    expect(after).toContain('verger.db')
  })
})

describe('versions', () => {
  test('give their files as they are', async () => {
    const { files } = await expectJson(200, 'GET', '/models/fruits/versions/v1')
    const answer = await fetch(`${server.url}/api/models/fruits/versions/v1/files/bundle.json`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    const { createHash } = await import('node:crypto')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(files['bundle.json'])
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
  })

  test('are deleted, but for the default', async () => {
    expectError(
      await ask('DELETE', '/models/fruits/versions/v1'),
      'version_is_default',
      /received its default v1/,
    )
    const kept = await expectJson(200, 'DELETE', '/models/fruits/versions/v2?dryRun=true')
    expect(kept).toMatchObject({ name: 'v2', isDefault: false })
    await expectJson(200, 'DELETE', '/models/fruits/versions/v2')
    expectError(await ask('GET', '/models/fruits/versions/v2'), 'version_unknown', /there is v1/)
  })
})

describe('the default', () => {
  test('moves, goes back, and remembers who and why', async () => {
    const moved = await expectJson(200, 'PUT', '/models/fruits/default', {
      version: 'v2',
      why: 'better on pears',
    })
    expect(moved).toMatchObject({
      defaultVersion: 'v2',
      change: { kind: 'set', from: 'v1', to: 'v2', who: 'anonymous', why: 'better on pears' },
    })
    const again = await expectJson(200, 'PUT', '/models/fruits/default', { version: 'v2' })
    expect(again).toEqual({ defaultVersion: 'v2' })
    expect(await expectJson(200, 'POST', '/models/fruits/rollback', {})).toMatchObject({
      kind: 'rollback',
      to: 'v1',
    })
    expectError(
      await ask('POST', '/models/fruits/rollback', {}),
      'rollback_impossible',
      /found none/,
    )
    expect(await expectJson(200, 'GET', '/models/fruits/history')).toMatchObject([
      { kind: 'rollback', to: 'v1' },
      { kind: 'set', to: 'v2' },
      { kind: 'set', to: 'v1' },
    ])
  })
})

describe('uploads', () => {
  const zeros = '0'.repeat(64)
  const put = (sha256: string, body: string) =>
    fetch(`${server.url}/api/blobs/${sha256}`, { method: 'PUT', body }).then(readAnswer)

  test('keep bytes under their hash, and nothing under another', async () => {
    const { createHash } = await import('node:crypto')
    const sha256 = createHash('sha256').update('bytes').digest('hex')
    expectError(await ask('GET', `/blobs/${sha256}`), 'blob_unknown', /found none/)
    expectError(await put(sha256, 'bites'), 'upload_damaged', new RegExp(`Expected .* ${sha256}`))
    expectError(await ask('GET', `/blobs/${sha256}`), 'blob_unknown', /found none/)
    expect(JSON.parse((await put(sha256, 'bytes')).text)).toEqual({ sha256, sizeBytes: 5 })
    expect((await ask('HEAD', `/blobs/${sha256}`)).status).toBe(200)
    expectError(await put('x', 'bytes'), 'request_invalid', /sha256 must match pattern/)
  })

  test.each([
    [{}, 'request_invalid', /either files or from, received none/],
    [{ files: { a: zeros }, from: 'gs://b/c' }, 'request_invalid', /received both/],
    [{ from: '/etc/passwd' }, 'request_invalid', /gs:\/\/bucket\/prefix .* "\/etc\/passwd"/],
    [{ from: 'file:///etc/passwd' }, 'bucket_url_invalid', /./],
    [{ files: { 'bundle.json': zeros } }, 'blob_unknown', /no bytes of bundle.json/],
    [{ files: {} }, 'request_invalid', /fewer than 1/],
    [{ files: { a: zeros }, facts: {} }, 'request_invalid', /facts beside from/],
    [{ from: 'gs://b/c', frm: 1 }, 'request_invalid', /must not have 'frm'/],
  ] as const)('of %j become no version', async (body, code, message) => {
    expectError(await ask('POST', '/models/fruits/versions', body), code, message)
  })
})

describe('an etag', () => {
  test('keeps two people from overwriting each other', async () => {
    const path = '/models/fruits/versions/v2'
    const read = await ask('GET', path)
    const etag = String(read.headers['etag'])
    expect(etag).toBe(`"${JSON.parse(read.text).etag}"`)
    const change = (description: string, ifMatch: string) =>
      fetch(`${server.url}/api${path}`, {
        method: 'PATCH',
        body: JSON.stringify({ description, labels: { season: 'autumn' } }),
        headers: { 'content-type': 'application/json', 'if-match': ifMatch },
      }).then(readAnswer)
    const first = await change('first', etag)
    expect(JSON.parse(first.text)).toMatchObject({
      description: 'first',
      labels: { season: 'autumn' },
      isDefault: false,
    })
    expect(first.headers['etag']).not.toBe(etag)
    expectError(await change('second', etag), 'etag_mismatch', /./)
    expect((await change('third', '*')).status).toBe(200)
    expectError(await change('x', 'W/"a"'), 'request_invalid', /If-Match .* received W\/"a"/)
  })
})

describe('trials', () => {
  test('begin, show in the model and the history, and end', async () => {
    const canary = { version: 'v2', percent: 10 }
    expect(
      await expectJson(200, 'PUT', '/models/fruits/canary', { ...canary, why: 'try' }),
    ).toMatchObject({ canary })
    expect(await expectJson(200, 'PUT', '/models/fruits/shadow', { version: 'v2' })).toMatchObject({
      canary,
      shadow: 'v2',
    })
    expectError(await ask('DELETE', '/models/fruits/versions/v2'), 'version_in_use', /./)
    await expectJson(200, 'DELETE', '/models/fruits/canary?why=enough')
    const after = await expectJson(200, 'DELETE', '/models/fruits/shadow')
    expect(after).not.toHaveProperty('canary')
    expect(after).not.toHaveProperty('shadow')
    expect(await expectJson(200, 'GET', '/models/fruits/history')).toMatchObject([
      { kind: 'shadow', from: 'v2' },
      { kind: 'canary', from: 'v2', why: 'enough' },
      { kind: 'shadow', to: 'v2' },
      { kind: 'canary', to: 'v2', percent: 10, why: 'try', who: 'anonymous' },
      { kind: 'set', to: 'v1' },
    ])
  })
})

describe('states', () => {
  test('tell what is in memory, which can be loaded and given back', async () => {
    expect(await expectJson(200, 'POST', '/models/fruits/versions/v2/load')).toMatchObject({
      model: 'fruits',
      version: 'v2',
      backbone: 'efficientnet-lite0',
      features: 1280,
    })
    expect((await ask('POST', '/models/fruits/versions/v2/unload')).status).toBe(204)
    expect(await expectJson(200, 'GET', '/states')).toEqual([])
  })
})

describe('what is wrong', () => {
  test.each([
    ['GET', '/models?limt=3', undefined, 'request_invalid', /querystring must not have 'limt'/],
    ['GET', '/models?limit=0', undefined, 'request_invalid', /limit must be >= 1, received 0/],
    ['GET', '/models?limit=ten', undefined, 'request_invalid', /must be integer, received "ten"/],
    ['GET', '/models?after=nobody', undefined, 'request_invalid', /received "nobody"/],
    ['GET', '/models/fruits?x=1', undefined, 'request_invalid', /must not have 'x'/],
    ['POST', '/models', {}, 'request_invalid', /must have required property 'name'/],
    ['POST', '/models', { name: 3 }, 'request_invalid', /name must be string, received 3/],
    ['POST', '/models', { name: 'a', nam: 'b' }, 'request_invalid', /body must not have 'nam'/],
    ['POST', '/models', { name: '2a' }, 'name_invalid', /received "2a"/],
    ['POST', '/models', { name: 'fruits' }, 'model_exists', /fruits exists/],
    ['PATCH', '/models/fruits', { name: 'x' }, 'request_invalid', /must not have 'name'/],
    ['PATCH', '/models/plums', {}, 'model_unknown', /there is fruits/],
    ['DELETE', '/models/plums', undefined, 'model_unknown', /there is fruits/],
    ['DELETE', '/models/fruits?force=yes', undefined, 'request_invalid', /must be boolean/],
    ['PUT', '/models/fruits/default', {}, 'request_invalid', /required property 'version'/],
    ['PUT', '/models/fruits/default', { version: 'v9' }, 'version_unknown', /there is v1, v2/],
    ['POST', '/models/plums/rollback', {}, 'model_unknown', /there is fruits/],
    ['GET', '/models/fruits/versions/v1/files/x', undefined, 'version_file_unknown', /"x"/],
    [
      'POST',
      '/models',
      { name: 'a', labels: { b: 1 } },
      'request_invalid',
      /labels.b must be string/,
    ],
    ['PATCH', '/models/fruits', { keepCorrectionsDays: 0 }, 'request_invalid', /must be >= 1/],
    ['PATCH', '/models/fruits/versions/v1', { bundle: 'x' }, 'request_invalid', /'bundle'/],
    ['PUT', '/models/fruits/canary', { version: 'v2' }, 'request_invalid', /'percent'/],
    [
      'PUT',
      '/models/fruits/canary',
      { version: 'v2', percent: 100 },
      'request_invalid',
      /percent must be <= 99, received 100/,
    ],
    [
      'PUT',
      '/models/fruits/canary',
      { version: 'v1', percent: 10 },
      'canary_invalid',
      /received its default v1/,
    ],
    ['POST', '/models/fruits/versions/v9/load', undefined, 'version_unknown', /there is v1, v2/],
    ['PUT', '/models', {}, 'method_not_allowed', /Expected GET, HEAD, POST for/],
  ] as const)('%s %s is refused', async (method, path, body, code, message) => {
    expectError(await ask(method, path, body), code satisfies ErrorCode, message)
  })
})
