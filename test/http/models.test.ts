/** Models over HTTP: what there is, who answers, and what a switch by another process changes. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHandler, readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectError,
  formOf,
  get,
  predict,
  predictionsOf,
  readAnswer,
} from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'
import { TINY_LABELS } from '../support/tiny-bundle.ts'

const type = 'image/jpeg'
const photo = readPhoto('baseline.jpg')
const REPORT = '<!doctype html><title>How good it is</title>'
const INTERVAL = { value: 0.9, low: 0.8, high: 0.95 }
const MEASURED = {
  dataset: { name: 'market', id: 'd1', photos: 81, choice: 'all photos', cautions: [] },
  accuracy: INTERVAL,
  macroF1: 0.88,
  topK: { k: 5, accuracy: 1 },
  calibration: { eceAfter: { value: 0.02, low: 0.01, high: 0.04 } },
  decisions: { ok: 70, unsure: 8, unknown: 3 },
}

let home: ModelHome
let server: TestServer
beforeAll(async () => {
  const extras = { 'report.html': REPORT, 'report.json': JSON.stringify(MEASURED) }
  home = await createModelHome({ extras, description: 'Fruit at the market' })
  server = await startServer({ env: { VERGER_HOME: home.path } })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

const ask = (query: string, name = 'baseline.jpg') =>
  predict(server.url, readPhoto(name), { type: 'application/octet-stream', query })
const getJson = async (path: string) => {
  const answer = await get(`${server.url}${path}`)
  expect(answer, answer.text).toMatchObject({ status: 200 })
  return JSON.parse(answer.text)
}

describe('POST /predict', () => {
  test('lets the default version of the model answer that is named', async () => {
    const [prediction] = predictionsOf(await ask('model=fruits'))
    expect(prediction).toMatchObject({
      model: 'fruits',
      version: 'v1',
      decision: 'ok',
      top: [{ label: 'Granny_Smith' }, { label: 'plum' }, { label: 'pear' }],
    })
    expect(prediction).not.toHaveProperty('backbone')
  })

  test('lets another version answer that is named', async () => {
    const [prediction] = predictionsOf(await ask('model=fruits&version=v2&top=1'))
    expect(prediction).toMatchObject({ model: 'fruits', version: 'v2' })
    expect(prediction?.top).toHaveLength(1)
  })

  test('lets the network itself answer where no model is named', async () => {
    const [prediction] = predictionsOf(await ask('top=1'))
    expect(prediction).toMatchObject({ backbone: 'efficientnet-lite0', decision: 'ok' })
    expect(prediction).not.toHaveProperty('model')
  })

  test('gives all labels there are where more are asked for', async () => {
    const [model] = predictionsOf(await ask('model=fruits&top=999999999999'))
    expect(model?.top).toHaveLength(TINY_LABELS.length)
    const [network] = predictionsOf(await ask('top=1001'))
    expect(network?.top).toHaveLength(1000)
  })

  test.each([
    ['baseline.jpg', 'ok'],
    ['grey.jpg', 'unsure'],
    ['alpha.png', 'unknown'],
  ])('says of %s that it is %s', async (name, decision) => {
    expect(predictionsOf(await ask('model=fruits', name))).toMatchObject([{ decision }])
  })

  test('answers several photos with one version, a bad one in its place', async () => {
    const form = formOf([
      ['a.jpg', photo],
      ['b.jpg', readPhoto('empty.jpg')],
    ])
    const answers = predictionsOf(await predict(server.url, form, { query: 'model=fruits' }))
    expect(answers).toMatchObject([
      { source: 'a.jpg', model: 'fruits', version: 'v1' },
      { source: 'b.jpg', error: { code: 'photo_empty' } },
    ])
  })

  test('refuses a model that does not exist and names the nearest', async () => {
    const { hint } = expectError(await ask('model=fruit'), 'model_unknown', /there is fruits/)
    expect(hint).toBe('Did you mean fruits?')
  })

  test('refuses a version that does not exist', async () => {
    expectError(await ask('model=fruits&version=v9'), 'version_unknown', /there is v1, v2/)
  })

  test('refuses a version without its model', async () => {
    expectError(await ask('version=v1'), 'request_invalid', /Expected model beside version/)
  })

  test('refuses two models', async () => {
    expectError(await ask('model=fruits&model=fruits'), 'request_invalid', /querystring\/model/)
  })
})

describe('GET /api/models', () => {
  test('lists each model with the classes of the version that answers', async () => {
    expect(await getJson('/api/models')).toEqual([
      {
        name: 'fruits',
        description: 'Fruit at the market',
        defaultVersion: 'v1',
        keepCorrections: false,
        versions: 2,
        labels: {},
        annotations: {},
        etag: expect.stringMatching(/^.{8,}$/),
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        classes: TINY_LABELS,
      },
    ])
  })

  test('shows one model', async () => {
    expect(await getJson('/api/models/fruits')).toMatchObject({
      name: 'fruits',
      defaultVersion: 'v1',
      versions: 2,
      classes: TINY_LABELS,
    })
  })

  test('lists the versions of a model, the newest first', async () => {
    expect(await getJson('/api/models/fruits/versions')).toMatchObject([
      { model: 'fruits', name: 'v2', isDefault: false },
      { model: 'fruits', name: 'v1', isDefault: true },
    ])
  })

  test('shows a version with its classes and what was measured', async () => {
    expect(await getJson('/api/models/fruits/versions/v1')).toMatchObject({
      name: 'v1',
      bundle: expect.stringMatching(/^[0-9a-f]{64}$/),
      classes: TINY_LABELS,
      backbone: 'efficientnet-lite0',
      training: { photos: 8, photosPerLabel: [3, 2, 3] },
      figures: { accuracy: INTERVAL, measuredOn: { name: 'market' }, decisions: { unsure: 8 } },
      hasReport: true,
    })
  })

  test('shows a version without figures where nothing was measured', async () => {
    const version = await getJson('/api/models/fruits/versions/v2')
    expect(version).toMatchObject({ hasReport: false, isDefault: false })
    expect(version).not.toHaveProperty('figures')
  })

  test.each([
    ['/api/models/plums', 'model_unknown'],
    ['/api/models/plums/versions/v1', 'model_unknown'],
    ['/api/models/fruits/versions/v3', 'version_unknown'],
    ['/api/models/fruits/versions/v2/report', 'version_file_unknown'],
  ] as const)('answers %s with %s', async (path, code) => {
    expectError(await get(server.url + path), code, /^Expected /)
  })

  test('gives the report as a page that may run its own script and reach nothing', async () => {
    const { status, headers, text } = await get(
      `${server.url}/api/models/fruits/versions/v1/report`,
    )
    expect([status, text]).toEqual([200, REPORT])
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(/^sandbox allow-scripts; default-src 'none'/)
    expect(policy).toMatch(/script-src 'unsafe-inline'/)
    expect(policy).not.toMatch(/allow-same-origin|connect-src|https?:|\*/)
  })
})

describe('a running server', () => {
  test('lets the version answer that another process has made the default', async () => {
    const versionNow = async () => JSON.parse((await ask('model=fruits')).text)[0].version
    const switchTo = async (version: string) => {
      const args = ['versions', 'set-default', `fruits/${version}`]
      expect(await runProgram(args, { VERGER_HOME: home.path })).toMatchObject({ exitCode: 0 })
    }
    expect(await versionNow()).toBe('v1')
    await switchTo('v2')
    expect(await versionNow()).toBe('v2')
    expect(await getJson('/api/models')).toMatchObject([{ defaultVersion: 'v2' }])
    await switchTo('v1')
    expect(await versionNow()).toBe('v1')
  })

  test('sees the first model of a home that had none, and writes nothing before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verger-empty-'))
    const env = { VERGER_HOME: folder }
    const early = await startServer({ env })
    const list = async () => JSON.parse((await get(`${early.url}/api/models`)).text)
    const before = await list()
    const unknown = await predict(early.url, photo, { type, query: 'model=fruits' })
    const filesBefore = await readdir(folder)
    const created = await runProgram(['models', 'create', 'fruits'], env)
    const after = await list()
    const empty = await predict(early.url, photo, { type, query: 'model=fruits' })
    const exitCode = await early.stop()
    await rm(folder, { recursive: true })
    expect(before).toEqual([])
    expectError(unknown, 'model_unknown', /received "fruits"; there is none/)
    expect(filesBefore).toEqual([])
    expect(created.exitCode).toBe(0)
    expect(after).toMatchObject([{ name: 'fruits', versions: 0 }])
    expectError(empty, 'model_has_no_version', /Expected a version of fruits, it has none/)
    expect(exitCode).toBe(0)
  })

  test('does not start beside a registry that is damaged', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verger-damaged-'))
    await writeFile(
      join(folder, 'verger.db'),
      'this is no database, but a text that was saved here',
    )
    const { exitCode, stdout, stderr } = await runProgram(['up', '--port', '0'], {
      VERGER_HOME: folder,
    })
    await rm(folder, { recursive: true })
    expect([exitCode, stdout]).toEqual([1, []])
    expect(stderr.join('\n')).toMatch(
      /^error Expected an intact database .* \[registry_damaged\]\n {2}hint Nothing was changed\. Restore a backup/,
    )
  })

  test('lists the other models beside one whose files are damaged', async () => {
    const broken = await createModelHome()
    const env = { VERGER_HOME: broken.path }
    await runProgram(['models', 'create', 'apples'], env)
    const { stdout } = await runProgram(['versions', 'show', 'fruits/v1', '--json'], env)
    const sha256: string = JSON.parse(stdout.join('\n')).files['bundle.json']
    await writeFile(join(broken.path, 'blobs', sha256.slice(0, 2), sha256.slice(2)), '{}')
    const other = await startServer({ env })
    const models = await get(`${other.url}/api/models`)
    const answer = await predict(other.url, photo, { type, query: 'model=fruits' })
    await other.stop()
    await broken.remove()
    expect(JSON.parse(models.text)).toMatchObject([
      { name: 'apples' },
      { name: 'fruits', error: { code: 'blob_damaged' } },
    ])
    expectError(answer, 'blob_damaged', /^Expected bytes with the SHA-256/)
  })
})

describe('a handler', () => {
  const env = () => ({ VERGER_WORKERS: '1', VERGER_LOG_LEVEL: 'silent', VERGER_HOME: home.path })
  const request = (query: string) =>
    new Request(`https://fruit.example/predict?${query}`, {
      method: 'POST',
      body: photo,
      headers: { 'content-type': type },
    })

  test('lets models answer as the server does', async () => {
    const handler = createHandler(readConfig(env()))
    const answer = await readAnswer(await handler(request('model=fruits')))
    const unknown = await readAnswer(await handler(request('model=plums')))
    await handler.close()
    expect(predictionsOf(answer)).toMatchObject([{ model: 'fruits', version: 'v1' }])
    expectError(unknown, 'model_unknown', /received "plums"/)
  })

  test('refuses a registry that is damaged, and answers once it is whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verger-damaged-'))
    await writeFile(join(folder, 'verger.db'), 'no database at all')
    const handler = createHandler(readConfig({ ...env(), VERGER_HOME: folder }))
    await expect(handler(request(''))).rejects.toMatchObject({ code: 'registry_damaged' })
    await rm(join(folder, 'verger.db'))
    predictionsOf(await readAnswer(await handler(request(''))))
    await handler.close()
    await rm(folder, { recursive: true })
  })
})
