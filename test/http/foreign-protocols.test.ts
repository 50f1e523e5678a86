/** TensorFlow Serving, KServe v1 and the Open Inference Protocol over HTTP: what they say beside answers, and what they refuse. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { createRegistry } from '../../dist/registry/registry.js'
import { openStore } from '../../dist/store/store.js'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { openConnection } from '../support/raw-connection.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle, TINY_LABELS } from '../support/tiny-bundle.ts'

const b64 = readPhoto('baseline.jpg').toString('base64')
const RECEIVE_TIMEOUT_MS = 1500

let home: ModelHome
let server: TestServer
beforeAll(async () => {
  home = await createModelHome()
  await registerBroken()
  server = await startServer({
    env: {
      VERGER_HOME: home.path,
      VERGER_MAX_REQUEST_BYTES: '100000',
      VERGER_MAX_REQUEST_PHOTOS: '3',
      VERGER_RECEIVE_TIMEOUT_MS: String(RECEIVE_TIMEOUT_MS),
    },
  })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

/** The model `broken`, whose only version has lost its manifest. */
async function registerBroken(): Promise<void> {
  const config = readConfig({ VERGER_HOME: home.path })
  const store = await openStore(config)
  const files = await createTinyBundle({ seed: 3 })
  await createRegistry(store).register({ model: 'broken', version: 'v1', files })
  await store.close()
  const hash = sha256(files.get('bundle.json') ?? new Uint8Array())
  const blobs = join(home.path, 'blobs')
  for (const path of readdirSync(blobs, { recursive: true, encoding: 'utf8' })) {
    if (path.replaceAll('/', '') === hash) rmSync(join(blobs, path))
  }
}

interface Sent {
  readonly status: number
  readonly type: string | null
  // Tests look into answers of any form.
  readonly json: ReturnType<typeof JSON.parse>
}

async function send(
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await fetch(server.url + path, {
    ...(body === undefined ? {} : { method: 'POST' }),
    ...(body === undefined
      ? {}
      : {
          body:
            body instanceof Uint8Array || typeof body === 'string'
              ? (body as string)
              : JSON.stringify(body),
        }),
    headers,
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    json: JSON.parse(text),
  }
}

async function expectText(sent: Promise<Sent>, status: number, text: RegExp) {
  const { json, ...answer } = await sent
  expect({ ...answer, error: json.error }).toEqual({
    status,
    // Clients of KServe read an error only where the type is this, to the letter.
    type: 'application/json',
    error: expect.stringMatching(text),
  })
}

describe('/v1/models', () => {
  test('lists the models', async () => {
    expect(await send('/v1/models')).toMatchObject({
      status: 200,
      json: { models: ['broken', 'fruits'] },
    })
  })

  test('leaves the page at / to those who do not ask for JSON alone', async () => {
    const asked = await send('/', undefined, { accept: 'application/json' })
    expect(asked).toMatchObject({ status: 200, json: { status: 'alive' } })
    for (const accept of ['*/*', 'text/html,application/json;q=0.9']) {
      const page = await fetch(`${server.url}/`, { headers: { accept } })
      expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    }
  })

  test('tells the state of a model in the words of both', async () => {
    const { json } = await send('/v1/models/fruits')
    expect(json).toMatchObject({ name: 'fruits', ready: true })
    expect(json.model_version_status).toContainEqual({
      version: '1',
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    })
  })

  test('takes the words of a path in any case, and names as they are', async () => {
    const answer = await send('/V1/Models/fruits/VERSIONS/1:Predict', { instances: [b64] })
    expect(answer).toMatchObject({ status: 200 })
    await expectText(send('/v1/models/Fruits'), 404, /of model Fruits/)
  })

  test.each(['versions/2', 'versions/v2'])('tells the state of %s', async (version) => {
    const { json } = await send(`/v1/models/fruits/${version}`)
    expect(json.model_version_status).toMatchObject([{ version: '2', state: 'AVAILABLE' }])
  })

  test('describes the signatures of an exported model', async () => {
    const { json } = await send('/v1/models/fruits/labels/stable/metadata')
    expect(json.model_spec).toEqual({ name: 'fruits', signature_name: '', version: '1' })
    const { serving_default, serving_bytes } = json.metadata.signature_def.signature_def
    expect(serving_default.inputs.image_base64).toEqual({
      dtype: 'DT_STRING',
      tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false },
      name: 'image_base64:0',
    })
    expect(Object.keys(serving_bytes.inputs)).toEqual(['image_bytes'])
    expect(serving_bytes.outputs.probabilities.tensor_shape.dim[1].size).toBe(
      String(TINY_LABELS.length),
    )
  })

  test('answers photo by photo in their order', async () => {
    const body = { instances: [b64, readPhoto('grey.jpg').toString('base64')] }
    const { json } = await send('/v1/models/fruits:predict', body)
    expect(json.predictions.map(({ labels }: { labels: string[] }) => labels[0])).toEqual([
      'Granny_Smith',
      'plum',
    ])
  })

  test.each<[string, unknown, number, RegExp]>([
    ['fruits:predict', '{', 400, /^JSON Parse error/],
    ['fruits:predict', '', 400, /^JSON Parse error: The document is empty$/],
    [
      'fruits:predict',
      { instances: [1] },
      400,
      /^Failed to process element: 0 of 'instances' list/,
    ],
    ['fruits:predict', { instances: ['a!'] }, 400, /Expected base64 text in instances\[0\]/],
    ['fruits:predict', { instances: [b64, 'AAAA'] }, 400, /^instances\[1\]: Expected JPEG/],
    [
      'fruits:predict',
      { instances: ['', '', '', ''] },
      413,
      /at most 3 photos.*received 4\. Send several requests/,
    ],
    ['fruits:predict', { instances: ['A'.repeat(100_000)] }, 413, /at most 100000 bytes/],
    ['fruits:regress', {}, 400, /^Expected regression signature/],
    ['fruits:explain', {}, 400, /explains no prediction/],
    ['fruits:guess', {}, 400, /^Malformed request: POST \/v1\/models\/fruits:guess$/],
    [
      'pears:predict',
      { instances: [b64] },
      404,
      /^Servable not found for request: Latest\(pears\)/,
    ],
    [
      'fruits/versions/7:predict',
      { instances: [b64] },
      404,
      /^Servable not found for request: Specific\(fruits, 7\)/,
    ],
    [
      'fruits/versions/best:classify',
      { examples: [{ image_bytes: b64 }] },
      404,
      /Specific\(fruits, best\)/,
    ],
    [
      'fruits/labels/canary:predict',
      { instances: [b64] },
      400,
      /^Unrecognized servable version label: canary/,
    ],
    ['fruits/labels/constructor:predict', { instances: [b64] }, 400, /label: constructor/],
  ])('refuses POST %s %j', async (path, body, status, text) => {
    await expectText(send(`/v1/models/${path}`, body), status, text)
  })

  test.each<[string, number, RegExp]>([
    ['/v1/models/pears', 404, /^Could not find any versions of model pears/],
    ['/v1/models/fruits/versions/7', 404, /^Could not find version 7 of model fruits/],
    ['/v1/models/pears/metadata', 404, /^Servable not found for request: Latest\(pears\)/],
    ['/v1/models/fruits/other', 400, /^Malformed request: GET/],
    ['/v1/', 400, /^Malformed request: GET/],
    ['/v1/models/%zz', 400, /not a valid url component/],
  ])('refuses GET %s', async (path, status, text) => {
    await expectText(send(path), status, text)
  })
})

describe('/v2', () => {
  test('tells that it is there, and its extensions', async () => {
    expect((await send('/v2')).json).toMatchObject({
      name: 'verger',
      extensions: expect.arrayContaining(['binary_tensor_data', 'classification']),
    })
    expect((await send('/v2/health/live')).json).toEqual({ live: true, ready: true })
    expect((await send('/v2/health/ready')).json).toEqual({ live: true, ready: true })
  })

  test('describes a model', async () => {
    const { json } = await send('/v2/models/fruits/versions/2')
    expect(json).toMatchObject({
      name: 'fruits',
      versions: ['v2', 'v1'],
      platform: 'verger_bundle',
    })
    expect(json.inputs.map(({ name }: { name: string }) => name)).toEqual([
      'image_bytes',
      'image_base64',
      'image',
    ])
    expect(json.outputs).toContainEqual({ name: 'probabilities', datatype: 'FP32', shape: [-1, 3] })
    expect((await send('/v2/models/fruits/config')).json).toMatchObject({ backend: 'verger' })
    expect((await send('/v2/models/fruits/ready')).json).toEqual({ name: 'fruits', ready: true })
  })

  test('loads, lists and unloads', async () => {
    expect(await send('/v2/repository/models/fruits/load', {})).toMatchObject({ status: 200 })
    const ready = await send('/v2/repository/index', { ready: true })
    expect(ready.json).toContainEqual({ name: 'fruits', version: 'v1', state: 'READY', reason: '' })
    const unload = { parameters: { unload_dependents: false } }
    expect(await send('/v2/repository/models/fruits/unload', unload)).toMatchObject({ status: 200 })
    const index = await send('/v2/repository/index', '')
    const found = index.json.filter(({ name }: { name: string }) => name === 'fruits')
    expect(found).toEqual(
      ['v2', 'v1'].map((version) => ({
        name: 'fruits',
        version,
        state: 'UNAVAILABLE',
        reason: 'unloaded; loaded when it is asked for',
      })),
    )
  })

  test('counts what was answered by any protocol', async () => {
    const count = async () =>
      (await send('/v2/models/fruits/versions/v1/stats')).json.model_stats[0].inference_count
    const before = await count()
    await send('/v1/models/fruits:predict', { instances: [b64, b64] })
    expect(await count()).toBe(before + 2)
  })

  const text = { name: 'image_base64', datatype: 'BYTES', shape: [1], data: [b64] }
  test.each<[string, unknown, number, RegExp, Record<string, string>?]>([
    ['models/fruits/infer', '', 400, /^Expected JSON/],
    ['models/fruits/infer', {}, 400, /^Expected an infer request: inputs is missing$/],
    ['models/fruits/infer', { inputs: [] }, 400, /Expected one input/],
    ['models/fruits/infer', { inputs: [{ ...text, name: 'x' }] }, 400, /received "x"/],
    ['models/fruits/infer', { inputs: [{ ...text, datatype: 'FP32' }] }, 400, /datatype BYTES/],
    ['models/fruits/infer', { inputs: [{ ...text, shape: [4] }] }, 413, /at most 3 photos/],
    [
      'models/fruits/infer',
      { inputs: [{ ...text, data: ['AAAA'] }] },
      415,
      /^image_base64\[0\]: Expected JPEG/,
    ],
    [
      'models/fruits/infer',
      { inputs: [text], outputs: [{ name: 'x' }] },
      400,
      /as outputs, received "x"/,
    ],
    [
      'models/fruits/infer',
      { inputs: [text] },
      400,
      /Inference-Header-Content-Length/,
      { 'inference-header-content-length': '999999' },
    ],
    [
      'models/fruits/infer',
      { inputs: [text] },
      415,
      /gzip or deflate, received br/,
      { 'content-encoding': 'br' },
    ],
    [
      'models/fruits/infer',
      { inputs: [text] },
      400,
      /Expected a gzip body/,
      { 'content-encoding': 'gzip' },
    ],
    [
      'models/fruits/infer',
      gzipSync(Buffer.alloc(1e6)),
      413,
      /at most 100000 bytes.*unpacks to more/,
      { 'content-encoding': 'gzip' },
    ],
    [
      'models/fruits/infer',
      { inputs: [text] },
      415,
      /received multipart/,
      { 'content-type': 'multipart/form-data; boundary=x' },
    ],
    ['models/fruits/versions/9/infer', { inputs: [text] }, 404, /Expected a version of fruits/],
    ['models/pears/infer', { inputs: [text] }, 404, /Expected the name of a model/],
    ['repository/models/pears/load', {}, 404, /Expected the name of a model/],
    ['repository/models/pears/unload', {}, 404, /Expected the name of a model/],
    ['repository/models/fruits/load', { parameters: { config: '{}' } }, 400, /received config/],
    ['repository/index', '[]', 400, /Expected a JSON object, received \[\]/],
    ['systemsharedmemory/region/a/register', {}, 404, /no shared memory/],
    ['cudasharedmemory/region/a/register', {}, 404, /no shared memory/],
    ['trace/setting', {}, 404, /no trace settings/],
    ['logging', {}, 404, /no log settings/],
    ['models/fruits/guess', {}, 404, /Nothing answers POST/],
  ])('refuses POST /v2/%s %j', async (path, body, status, message, headers) => {
    await expectText(send(`/v2/${path}`, body, headers), status, message)
  })

  test.each<[string, number, RegExp]>([
    ['models/pears', 404, /Expected the name of a model/],
    ['models/pears/ready', 404, /Expected the name of a model/],
    ['models/fruits/versions/9/stats', 404, /Expected a version of fruits/],
    ['other', 404, /Nothing answers GET/],
  ])('refuses GET /v2/%s', async (path, status, message) => {
    await expectText(send(`/v2/${path}`), status, message)
  })

  test('tells a body that comes too late in its own form', async () => {
    const { socket, ended } = await openConnection(server.port)
    socket.write(
      'POST /v2/models/fruits/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{',
    )
    const answer = await ended
    socket.destroy()
    expect(answer?.status).toBe(408)
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      error: expect.stringMatching(`within ${RECEIVE_TIMEOUT_MS} ms`),
    })
  })
})

describe('a model that cannot answer', () => {
  test('is not ready in the words of KServe and of TensorFlow Serving', async () => {
    const { status, json } = await send('/v1/models/broken')
    expect(status).toBe(503)
    expect(json).toMatchObject({
      name: 'broken',
      ready: false,
      model_version_status: [
        { version: '1', state: 'END', status: { error_code: 'FAILED_PRECONDITION' } },
      ],
    })
    expect(await send('/v1/models/broken/versions/1')).toMatchObject({ status: 200 })
    await expectText(send('/v1/models/broken:predict', { instances: [b64] }), 500, /./)
  })

  test('is not ready in those of the Open Inference Protocol', async () => {
    const { status, json } = await send('/v2/models/broken/ready')
    expect([status, json]).toEqual([
      503,
      { name: 'broken', ready: false, error: expect.any(String) },
    ])
    const index = await send('/v2/repository/index', {})
    const entry = index.json.find(({ name }: { name: string }) => name === 'broken')
    expect(entry).toMatchObject({ state: 'UNAVAILABLE', reason: expect.stringMatching(/./) })
    await expectText(send('/v2/repository/models/broken/load', {}), 500, /./)
  })
})

describe('a canary', () => {
  test('is what its label points at', async () => {
    const body = JSON.stringify({ version: 'v2', percent: 1 })
    const headers = { 'content-type': 'application/json' }
    const url = `${server.url}/api/models/fruits/canary`
    expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200)
    const { json } = await send('/v1/models/fruits/labels/canary')
    expect(json.model_version_status).toMatchObject([{ version: '2', state: 'AVAILABLE' }])
    const answer = await send('/v1/models/fruits/labels/canary:predict', { instances: [b64] })
    expect(answer.status).toBe(200)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(200)
    await expectText(
      send('/v1/models/fruits/labels/canary'),
      400,
      /Unrecognized servable version label/,
    )
  })
})

describe('with a token', () => {
  let guarded: TestServer
  beforeAll(async () => {
    guarded = await startServer({ env: { VERGER_HOME: home.path, VERGER_TOKEN: 'a-long-secret' } })
  })
  afterAll(async () => {
    expect(await guarded.stop()).toBe(0)
  })

  test.each(['/v1/models', '/v1/nothing', '/v2', '/v2/models/fruits', '/v2/nothing'])(
    '%s is refused in the form of its protocol without it, and answered with it',
    async (path) => {
      const refused = await fetch(guarded.url + path)
      expect(refused.status).toBe(401)
      expect(await refused.json()).toEqual({
        error: expect.stringMatching(/Authorization: Bearer/),
      })
      const headers = { authorization: 'Bearer a-long-secret' }
      expect((await fetch(guarded.url + path, { headers })).status).not.toBe(401)
    },
  )

  test('health is open', async () => {
    expect((await fetch(`${guarded.url}/v2/health/ready`)).status).toBe(200)
  })
})
