/** CloudML v1 over the wire, without its clients: test/clients has those. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addOperation } from '../../dist/registry/operations.js'
import { openStore } from '../../dist/store/store.js'
import { cloud, send, stage, waitForOperation } from '../support/cloud-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { createTinyBundle, TINY_LABELS } from '../support/tiny-bundle.ts'

const b64 = readPhoto('baseline.jpg').toString('base64')
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest'

let home: ModelHome
let server: TestServer
let bundle: ReadonlyMap<string, Uint8Array>
beforeAll(async () => {
  home = await createModelHome({ description: 'Fruit at the market' })
  server = await startServer({ env: { VERGER_HOME: home.path } })
  bundle = await createTinyBundle({ seed: 7 })
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

const ask = (method: string, path: string, body?: unknown) => cloud(server.url, method, path, body)

interface DescribedMethod {
  readonly id: string
  readonly httpMethod: string
  readonly flatPath: string
}

/** The methods of a discovery document, however deep. */
function methodsOf(node: {
  readonly methods?: Readonly<Record<string, DescribedMethod>>
  readonly resources?: Readonly<Record<string, object>>
}): readonly DescribedMethod[] {
  const { methods = {}, resources = {} } = node
  return [...Object.values(methods), ...Object.values(resources).flatMap(methodsOf)]
}

/** Creates a model for one test. */
async function createModel(name: string, more: object = {}): Promise<void> {
  expect(await ask('POST', '/models', { name, ...more })).toMatchObject({ status: 200 })
}

async function createVersion(model: string, name: string, more: object = {}): Promise<void> {
  const deploymentUri = await stage(server.url, `${model}-${name}`, bundle)
  const { status, body } = await ask('POST', `/models/${model}/versions`, {
    name,
    deploymentUri,
    ...more,
  })
  expect(status, JSON.stringify(body)).toBe(200)
  expect(await waitForOperation(server.url, body.name)).toMatchObject({ done: true, response: {} })
}

describe('models', () => {
  test('are created by their bare name and answered by their full one', async () => {
    const { status, body } = await ask('POST', '/models', {
      name: 'apples',
      description: 'Apples',
      regions: ['us-central1'],
      online_prediction_logging: true,
      labels: { team_name: 'orchard' },
    })
    expect(status).toBe(200)
    expect(body).toEqual({
      name: 'projects/p/models/apples',
      description: 'Apples',
      regions: ['us-central1'],
      onlinePredictionLogging: true,
      labels: { team_name: 'orchard' },
      etag: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
    })
    expect((await ask('GET', '/models/apples')).body).toEqual(body)
    expect((await cloud(server.url, 'GET', '/models/apples', undefined)).body).toEqual(body)
    expect((await send(`${server.url}/v1/projects/42/models/apples`, 'GET')).body.name).toBe(
      'projects/42/models/apples',
    )
  })

  test('of Verger itself are listed and answer, with their default', async () => {
    expect((await ask('GET', '/models/fruits')).body).toMatchObject({
      name: 'projects/p/models/fruits',
      description: 'Fruit at the market',
      defaultVersion: {
        name: 'projects/p/models/fruits/versions/v1',
        isDefault: true,
        state: 'READY',
        createTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    })
  })

  test('of a name that exists are refused as Airflow knows it', async () => {
    const { status, body } = await ask('POST', '/models', { name: 'fruits' })
    expect(status).toBe(409)
    expect(body.error).toEqual({
      code: 409,
      status: 'ALREADY_EXISTS',
      message: 'Field: model.name Error: A model with the same name already exists.',
      details: [
        {
          '@type': BAD_REQUEST,
          fieldViolations: [
            { field: 'model.name', description: 'A model with the same name already exists.' },
          ],
        },
      ],
    })
  })

  test.each(['', '9lives', 'fru-its', 'a.b', 'é', 'a'.repeat(129), 7, null])(
    'are not created with the name %j',
    async (name) => {
      const { status, body } = await ask('POST', '/models', { name })
      expect(status).toBe(400)
      expect(body.error.status).toBe('INVALID_ARGUMENT')
      expect(body.error.message).toMatch(/model\.name/)
    },
  )

  test.each([
    [{ name: 'x', foo: 1, bar: 2 }, /Unknown name "foo" at 'model'.*\n.*Unknown name "bar"/s],
    [{ name: 'x', regions: ['a', 'b'] }, /Field: model.regions Error: At most one region/],
    ['{"name"', /Invalid JSON payload received/],
    ['[]', /Invalid value at 'model' \(an object\)/],
  ])('are not created from %j', async (body, message) => {
    const answer = await ask('POST', '/models', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toMatch(message)
  })

  test('that do not exist are not found', async () => {
    const { status, body } = await ask('GET', '/models/nope')
    expect(status).toBe(404)
    expect(body.error).toMatchObject({
      code: 404,
      status: 'NOT_FOUND',
      message: expect.stringMatching(/^Field: name Error: .*"nope"/),
    })
  })

  test('come in pages, an empty one as an empty object', async () => {
    for (const name of ['page_a', 'page_b', 'page_c']) await createModel(name)
    const filter = 'name:projects/p/models/page_*'
    const first = await ask('GET', `/models?pageSize=2&filter=${encodeURIComponent(filter)}`)
    expect(first.body.models).toHaveLength(2)
    const token = encodeURIComponent(first.body.nextPageToken)
    const second = await ask(
      'GET',
      `/models?pageToken=${token}&filter=${filter}&fields=models/name`,
    )
    expect(second.body).toEqual({ models: [{ name: 'projects/p/models/page_c' }] })
    expect((await ask('GET', '/models?filter=name=nope')).body).toEqual({})
    expect((await ask('GET', '/models/page_a/versions')).body).toEqual({})
    expect((await ask('GET', '/models?pageToken=x')).status).toBe(400)
    expect((await ask('GET', '/models?pageSize=-1')).status).toBe(400)
  })

  test('are changed where a mask says so, in either case', async () => {
    await createModel('pears', { description: 'before', labels: { a: 'b' } })
    const { body } = await ask(
      'PATCH',
      '/models/pears?updateMask=description,online_prediction_logging&alt=json',
      { description: 'after', onlinePredictionLogging: true, labels: { not: 'taken' } },
    )
    expect(body).toMatchObject({
      name: expect.stringMatching(/^projects\/p\/operations\/update_pears-\d+$/),
      done: true,
      metadata: {
        '@type': 'type.googleapis.com/google.cloud.ml.v1.OperationMetadata',
        operationType: 'UPDATE_MODEL',
        modelName: 'projects/p/models/pears',
      },
      response: {
        '@type': 'type.googleapis.com/google.cloud.ml.v1.Model',
        description: 'after',
        labels: { a: 'b' },
        onlinePredictionLogging: true,
      },
    })
    expect((await ask('PATCH', '/models/pears', { description: 'x' })).body.error.message).toMatch(
      /Field: update_mask Error: Expected fields to change, received none/,
    )
    expect(
      (await ask('PATCH', '/models/pears?updateMask=name', { name: 'x' })).body.error.message,
    ).toMatch(/received name/)
  })

  test('are not changed over the changes of others', async () => {
    await createModel('plums')
    const { etag } = (await ask('GET', '/models/plums')).body
    const change = (description: string) =>
      ask('PATCH', '/models/plums?updateMask=description', { description, etag })
    expect(await change('first')).toMatchObject({ status: 200 })
    expect(await change('second')).toMatchObject({
      status: 409,
      body: { error: { status: 'ABORTED', message: expect.stringMatching(/^Field: etag Error:/) } },
    })
    expect((await ask('GET', '/models/plums')).body.description).toBe('first')
  })
})

describe('versions', () => {
  test('are made of an uploaded folder; the first answers, later ones do not', async () => {
    await createModel('figs')
    await createVersion('figs', 'v1', {
      description: 'One',
      runtime_version: '2.11',
      pythonVersion: '3.7',
      framework: 'TENSORFLOW',
      machineType: 'n1-standard-2',
      autoScaling: { minNodes: 1 },
      labels: { a: 'b' },
    })
    await createVersion('figs', 'v2')
    const { versions } = (await ask('GET', '/models/figs/versions')).body
    expect(versions).toEqual([
      {
        name: 'projects/p/models/figs/versions/v1',
        description: 'One',
        isDefault: true,
        deploymentUri: 'gs://staging/figs-v1/',
        runtimeVersion: '2.11',
        pythonVersion: '3.7',
        framework: 'TENSORFLOW',
        machineType: 'n1-standard-2',
        autoScaling: { minNodes: 1 },
        labels: { a: 'b' },
        createTime: expect.any(String),
        etag: expect.any(String),
        state: 'READY',
      },
      {
        name: 'projects/p/models/figs/versions/v2',
        deploymentUri: 'gs://staging/figs-v2/',
        createTime: expect.any(String),
        etag: expect.any(String),
        state: 'READY',
      },
    ])
    expect((await ask('GET', '/models/figs')).body.defaultVersion.name).toMatch(/v1$/)

    expect(await ask('POST', '/models/figs/versions/v2:setDefault', {})).toMatchObject({
      status: 200,
      body: { name: 'projects/p/models/figs/versions/v2', isDefault: true },
    })
    const patched = await ask('PATCH', '/models/figs?updateMask=default_version.name', {
      defaultVersion: { name: 'v1' },
    })
    expect(patched.body.response.defaultVersion.name).toMatch(/v1$/)
    // googleapis sends an empty body with a content type.
    const empty = await cloud(server.url, 'POST', '/models/figs/versions/v2:setDefault', '', {
      'content-type': 'application/json',
    })
    expect(empty).toMatchObject({ status: 200, body: { isDefault: true } })
  })

  test('are deleted but for the default, which is deleted last', async () => {
    await createModel('dates')
    await createVersion('dates', 'v1')
    await createVersion('dates', 'v2')
    expect(await ask('DELETE', '/models/dates')).toMatchObject({
      status: 400,
      body: { error: { status: 'FAILED_PRECONDITION', details: [{ '@type': BAD_REQUEST }] } },
    })
    expect(await ask('DELETE', '/models/dates/versions/v1')).toMatchObject({
      status: 400,
      body: { error: { status: 'FAILED_PRECONDITION' } },
    })
    for (const path of [
      '/models/dates/versions/v2',
      '/models/dates/versions/v1',
      '/models/dates',
    ]) {
      const { status, body } = await ask('DELETE', path)
      expect(status, JSON.stringify(body)).toBe(200)
      expect(await waitForOperation(server.url, body.name)).toMatchObject({
        done: true,
        response: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
      })
    }
    expect((await ask('GET', '/models/dates')).status).toBe(404)
    expect((await ask('DELETE', '/models/dates')).status).toBe(404)
  })

  test('are changed in what does not answer', async () => {
    await createModel('kiwis')
    await createVersion('kiwis', 'v1', { autoScaling: { minNodes: 1, maxNodes: 9 } })
    const { body } = await ask(
      'PATCH',
      '/models/kiwis/versions/v1?updateMask=labels,autoScaling.minNodes,requestLoggingConfig',
      {
        labels: { a: 'b' },
        autoScaling: { minNodes: 2 },
        requestLoggingConfig: { samplingPercentage: 0.5 },
      },
    )
    expect(body).toMatchObject({
      done: true,
      metadata: { operationType: 'UPDATE_VERSION' },
      response: {
        '@type': 'type.googleapis.com/google.cloud.ml.v1.Version',
        labels: { a: 'b' },
        autoScaling: { minNodes: 2, maxNodes: 9 },
        requestLoggingConfig: { samplingPercentage: 0.5 },
      },
    })
    const refused = await ask('PATCH', '/models/kiwis/versions/v1?updateMask=deploymentUri', {})
    expect(refused.body.error.message).toMatch(/received deployment_uri/)
  })

  test.each([
    [{}, 'version.name', /required/],
    [{ name: 'v-1' }, 'version.name', /received "v-1"/],
    [{ name: 'v1' }, 'version.deployment_uri', /received none/],
    [{ name: 'v1', deploymentUri: '/etc' }, 'version.deployment_uri', /received "\/etc"/],
    [
      { name: 'v1', deploymentUri: 'gs://b/m', framework: 'XGBOOST' },
      'version.framework',
      /XGBOOST/,
    ],
    [{ name: 'v1', container: { image: 'x' } }, 'version.container', /no containers/],
    [{ name: 'v1', predictionClass: 'a.B' }, 'version.prediction_class', /no code of others/],
    [{ name: 'v1', packageUris: ['gs://b/x'] }, 'version.package_uris', /no code of others/],
    [
      { name: 'v1', deploymentUri: 'gs://b/m', autoScaling: {}, manualScaling: { nodes: 1 } },
      'version.manual_scaling',
      /Only one/,
    ],
  ])('are not made of %j', async (body, field, message) => {
    const answer = await ask('POST', '/models/fruits/versions', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.details[0].fieldViolations[0].field).toBe(field)
    expect(answer.body.error.message).toMatch(message)
  })

  test('of a name that exists, or of a model that does not, are refused', async () => {
    const body = { name: 'v1', deploymentUri: 'gs://b/m' }
    expect(await ask('POST', '/models/fruits/versions', body)).toMatchObject({
      status: 409,
      body: {
        error: {
          status: 'ALREADY_EXISTS',
          message: 'Field: version.name Error: A version with the same name already exists.',
        },
      },
    })
    expect((await ask('POST', '/models/nope/versions', body)).status).toBe(404)
  })

  test('that cannot be loaded are listed as failed until they are deleted', async () => {
    await createModel('limes')
    const broken = [['saved_model.pb', Buffer.from('not a model at all')]] as const
    const deploymentUri = await stage(server.url, 'broken', broken)
    const { body } = await ask('POST', '/models/limes/versions', { name: 'v1', deploymentUri })
    const operation = await waitForOperation(server.url, body.name)
    expect(operation).toMatchObject({
      done: true,
      error: {
        code: 3,
        message: expect.stringMatching(
          /^Create Version failed\. Bad model detected with error: "Failed to load model: .* \(Error code: 0\)"$/,
        ),
      },
    })
    expect(operation).not.toHaveProperty('response')
    expect((await ask('GET', '/models/limes/versions/v1')).body).toMatchObject({
      state: 'FAILED',
      errorMessage: operation.error.message,
    })
    expect((await ask('GET', '/models/limes')).body).not.toHaveProperty('defaultVersion')
    expect((await ask('DELETE', '/models/limes/versions/v1')).status).toBe(200)
    expect((await ask('GET', '/models/limes/versions')).body).toEqual({})
    await createVersion('limes', 'v1')
  })
})

describe('operations', () => {
  test('under way show their version, keep it from changes, and can be cancelled', async () => {
    await createModel('slow')
    // As if another server were making it, which is then heard of no more.
    const store = await openStore({ home: home.path })
    const { id } = await addOperation(
      store,
      {
        kind: 'create_version',
        model: 'slow',
        version: 'v1',
        input: {
          from: 'gs://b/m',
          facts: {},
          description: 'Takes long',
          annotations: { cloudml: { deploymentUri: 'gs://b/m' } },
          who: 'ana',
        },
      },
      'another server',
    )
    await store.close()
    const version = '/models/slow/versions/v1'
    expect((await ask('GET', version)).body).toMatchObject({
      name: 'projects/p/models/slow/versions/v1',
      description: 'Takes long',
      state: 'CREATING',
    })
    const { body } = await ask('GET', `/operations/${id}`)
    expect(body.metadata).toMatchObject({
      operationType: 'CREATE_VERSION',
      version: { state: 'CREATING', deploymentUri: 'gs://b/m' },
    })
    expect(body).not.toHaveProperty('done')
    for (const [method, path] of [
      ['PATCH', `${version}?updateMask=description`],
      ['DELETE', version],
      ['POST', `${version}:setDefault`],
    ] as const) {
      expect(await ask(method, path, method === 'DELETE' ? undefined : {}), path).toMatchObject({
        status: 400,
        body: { error: { status: 'FAILED_PRECONDITION' } },
      })
    }
    const again = { name: 'v1', deploymentUri: 'gs://b/m' }
    expect(await ask('POST', '/models/slow/versions', again)).toMatchObject({ status: 409 })
    expect(await ask('POST', `/operations/${id}:cancel`, {})).toMatchObject({ status: 200 })
    expect((await ask('GET', `/operations/${id}`)).body.metadata.isCancellationRequested).toBe(true)
    expect(await waitForOperation(server.url, `projects/p/operations/${id}`)).toMatchObject({
      done: true,
      error: { code: 1 },
    })
    expect((await ask('GET', version)).status).toBe(404)
  })

  test('are listed the newest first, and found under a region too', async () => {
    await createModel('nuts')
    await ask('PATCH', '/models/nuts?updateMask=description', { description: 'x' })
    const { operations } = (await ask('GET', '/operations?pageSize=1')).body
    expect(operations).toHaveLength(1)
    const [{ name }] = operations
    expect(name).toMatch(/update_nuts-\d+$/)
    const [, id] = /operations\/(.*)$/.exec(name) ?? []
    expect((await ask('GET', `/operations/${id}`)).body).toEqual(operations[0])
    expect((await ask('GET', `/locations/europe-west1/operations/${id}`)).body.done).toBe(true)
    expect(await ask('POST', `/operations/${id}:cancel`, {})).toMatchObject({
      status: 200,
      body: {},
    })
    expect((await ask('GET', `/operations/${id}`)).body).not.toHaveProperty('error')
  })

  test('that do not exist are not found', async () => {
    expect((await ask('GET', '/operations/nope')).status).toBe(404)
    expect((await ask('POST', '/operations/nope:cancel', {})).status).toBe(404)
  })
})

describe('predict', () => {
  const predict = (body: unknown, path = '/models/fruits') => ask('POST', `${path}:predict`, body)

  test.each([
    ['{"b64"}', { b64 }],
    ['base64 text', b64],
    ['image_bytes', { image_bytes: { b64 } }],
    ['image_base64', { image_base64: b64 }],
    ['any other name', { input: b64 }],
  ])('takes a photo as %s', async (_form, instance) => {
    const { status, body } = await predict({ instances: [instance] })
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body).toEqual({
      predictions: [
        {
          labels: ['Granny_Smith', 'plum', 'pear'],
          scores: expect.any(Array),
          probabilities: expect.any(Array),
          prediction: 0,
        },
      ],
    })
  })

  test('gives keys back, as the reference client of the time sends them', async () => {
    const body = {
      instances: [
        { key: '0', image_bytes: { b64 } },
        { key: '1', image_bytes: { b64: readPhoto('large.jpg').toString('base64') } },
      ],
      signature_name: 'serving_bytes',
    }
    const { predictions } = (await predict(body, '/models/fruits/versions/v2')).body
    expect(predictions).toMatchObject([
      { key: '0', prediction: TINY_LABELS.indexOf('Granny_Smith') },
      { key: '1', prediction: TINY_LABELS.indexOf('pear') },
    ])
    for (const { scores, probabilities } of predictions) {
      expect(scores).toEqual(probabilities.toSorted((a: number, b: number) => b - a))
    }
  })

  test('takes decoded pixels', async () => {
    const pixels = Array(8).fill(Array(8).fill([200, 30, 30]))
    const { status, body } = await predict({ instances: [pixels, { image: pixels }] })
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.predictions[0]).toEqual(body.predictions[1])
  })

  test('takes a wrapped body, whatever its content type, and unknown parameters', async () => {
    const data = Buffer.from(JSON.stringify({ instances: [b64] })).toString('base64')
    const answer = await send(
      `${server.url}/v1/projects/p/models/fruits:predict?$.xgafv=2&prettyPrint=false&quotaUser=x`,
      'POST',
      JSON.stringify({ httpBody: { contentType: 'application/json', data } }),
      { 'content-type': 'application/x-www-form-urlencoded' },
    )
    expect(answer).toMatchObject({ status: 200, body: { predictions: [{}] } })
  })

  test.each([
    ['{', /^Prediction failed: Invalid JSON payload/],
    [{}, /^Prediction failed: Expected a JSON object with a list "instances", received none/],
    [{ instances: [] }, /^Prediction failed: Expected at least one instance/],
    [{ instances: ['%'] }, /^Prediction failed: .*instances\[0\]/],
    [
      { instances: [b64, Buffer.from('text').toString('base64')] },
      /^Prediction failed: instances\[1\]: /,
    ],
    [{ instances: [b64], signature_name: 'x' }, /No signature found/],
    [{ instances: Array(300).fill('x') }, /at most 256 photos in one request, received 300/],
  ])('tells what is wrong with %#', async (body, message) => {
    const answer = await predict(body)
    expect(answer.status).toBe(400)
    expect(Object.keys(answer.body)).toEqual(['error'])
    expect(answer.body.error).toMatch(message)
  })

  test('of a model that is not there, or cannot answer, is an error of the service', async () => {
    const body = { instances: [b64] }
    expect(await predict(body, '/models/nope')).toMatchObject({
      status: 404,
      body: { error: { status: 'NOT_FOUND' } },
    })
    expect(await predict(body, '/models/fruits/versions/v9')).toMatchObject({ status: 404 })
    await createModel('empty')
    expect(await predict(body, '/models/empty')).toMatchObject({
      status: 400,
      body: { error: { status: 'FAILED_PRECONDITION' } },
    })
  })

  test('is not explained', async () => {
    expect(await ask('POST', '/models/fruits:explain', { instances: [b64] })).toMatchObject({
      status: 501,
      body: { error: { status: 'UNIMPLEMENTED' } },
    })
  })
})

describe('what is around it', () => {
  test('regional hosts answer alike', async () => {
    const { hostname, port } = new URL(server.url)
    const headers = { host: 'us-central1-ml.googleapis.com' }
    const path = '/v1/projects/p/models/fruits'
    const status = await new Promise((resolve, reject) => {
      get({ hostname, port, path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).once('error', reject)
    })
    expect(status).toBe(200)
  })

  test('locations, config, jobs', async () => {
    expect((await ask('GET', '/locations')).body.locations[0]).toEqual({
      name: 'projects/p/locations/us-central1',
      capabilities: [{ type: 'ONLINE_PREDICTION' }],
    })
    expect((await ask('GET', '/locations/europe-west1')).body.name).toMatch(/europe-west1$/)
    expect((await ask('GET', ':getConfig')).body).toEqual({})
    expect((await ask('GET', '/jobs/x')).status).toBe(404)
    expect((await ask('POST', '/jobs/x:cancel', {})).status).toBe(404)
    expect((await ask('PATCH', '/jobs/x?updateMask=labels', {})).status).toBe(404)
    expect((await ask('POST', '/jobs', { jobId: 'x' })).status).toBe(501)
  })

  test('operations stand as jobs for those who follow jobs', async () => {
    await createModel('followed')
    const from = await stage(server.url, 'followed', [['notes.txt', Buffer.from('no model')]])
    const order = { name: 'v1', deploymentUri: from }
    const { body } = await ask('POST', '/models/followed/versions', order)
    await waitForOperation(server.url, body.name)
    const id = body.name.replace(/^.*\//, '')
    const job = (await ask('GET', `/jobs/${id}`)).body
    expect(job).toEqual({
      jobId: id,
      createTime: expect.any(String),
      startTime: expect.any(String),
      endTime: expect.any(String),
      state: 'FAILED',
      errorMessage: expect.stringContaining('Create Version failed.'),
      labels: { model: 'followed', version: 'v1' },
    })
    const filter = encodeURIComponent(`jobId:create_followed* AND state:FAILED`)
    expect((await ask('GET', `/jobs?filter=${filter}`)).body).toEqual({ jobs: [job] })
    expect((await ask('GET', '/jobs?filter=state:QUEUED')).body).toEqual({})
    // What has ended stays as it is.
    expect(await ask('POST', `/jobs/${id}:cancel`, {})).toMatchObject({ status: 200, body: {} })
    expect((await ask('GET', `/jobs/${id}`)).body).toEqual(job)
    expect((await ask('GET', `/jobs/${id}:getIamPolicy`)).body).toEqual({
      version: 1,
      etag: 'ACAB',
    })
    const permissions = ['ml.jobs.get', 'ml.jobs.cancel']
    const held = await ask('POST', `/jobs/${id}:testIamPermissions`, { permissions })
    expect(held.body).toEqual({ permissions })
  })

  test('every method of the discovery document is answered by what was meant for it', async () => {
    const { body } = await send(`${server.url}/$discovery/rest?version=v1`, 'GET')
    const names: Readonly<Record<string, string>> = {
      projectsId: 'p',
      modelsId: 'nope',
      versionsId: 'v1',
      jobsId: 'nope',
      operationsId: 'nope',
      locationsId: 'us-central1',
    }
    const answers = await Promise.all(
      methodsOf(body).map(async ({ id, httpMethod, flatPath }) => {
        const path = flatPath.replace(/\{(\w+)\}/g, (_, name) => names[name] ?? name)
        const answer = await send(
          `${server.url}/${path}`,
          httpMethod,
          httpMethod === 'GET' ? undefined : {},
        )
        return { id, status: answer.status, message: answer.body?.error?.message ?? '' }
      }),
    )
    expect(answers.length).toBeGreaterThan(30)
    for (const { id, status, message } of answers) {
      expect(message, id).not.toMatch(/Nothing answers/)
      expect([200, 400, 404, 501], `${id}: ${message}`).toContain(status)
    }
    // What is refused says what to do in its place.
    expect(answers.filter(({ status }) => status === 501)).toEqual([
      { id: 'ml.projects.jobs.create', status: 501, message: expect.stringMatching(/train with/) },
    ])
  })

  test.each([
    ['POST', '/studies?studyId=s'],
    ['GET', '/studies/s/trials'],
    ['POST', '/studies/s/trials:suggest'],
    ['DELETE', '/studies/s'],
  ])('%s %s is refused by name', async (method, path) => {
    expect(
      await ask(method, `/locations/us-central1${path}`, method === 'GET' ? undefined : {}),
    ).toMatchObject({
      status: 501,
      body: { error: { status: 'UNIMPLEMENTED', message: expect.stringMatching(/verger train/) } },
    })
  })

  test('access is told by the scopes of the caller', async () => {
    expect((await ask('GET', '/models/fruits:getIamPolicy')).body).toEqual({
      version: 1,
      etag: 'ACAB',
    })
    expect((await ask('POST', '/models/fruits:setIamPolicy', { policy: {} })).status).toBe(501)
    const permissions = ['ml.models.get', 'ml.models.predict', 'ml.versions.create', 'ml.x.y', 'a']
    const { body } = await ask('POST', '/models/fruits:testIamPermissions', { permissions })
    expect(body).toEqual({ permissions: permissions.slice(0, 3) })
    expect((await ask('GET', '/models/nope:getIamPolicy')).status).toBe(404)
  })

  test('paths that there are not are told in the form of the service', async () => {
    expect(await ask('GET', '/studies')).toMatchObject({
      status: 404,
      body: { error: { code: 404, status: 'NOT_FOUND' } },
    })
    expect(await ask('GET', '/models/fruits:nope')).toMatchObject({ status: 404 })
    expect(await ask('GET', '/models?alt=proto')).toMatchObject({ status: 400 })
    expect(await ask('GET', '/models?fields=(')).toMatchObject({ status: 400 })
    expect(await ask('GET', `/models?fields=${'a('.repeat(5000)}`)).toMatchObject({ status: 400 })
    expect(await ask('GET', `/models?filter=${'NOT '.repeat(2000)}`)).toMatchObject({ status: 400 })
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    expect(await ask('POST', '/models/fruits:predict', `{"instances":[${deep}]}`)).toMatchObject({
      status: 400,
    })
  })

  test('the discovery document has every route, and refers to nothing that it lacks', async () => {
    const { body } = await send(`${server.url}/$discovery/rest?version=v1`, 'GET')
    expect(body).toMatchObject({ name: 'ml', version: 'v1', rootUrl: `${server.url}/` })
    const text = JSON.stringify(body)
    for (const [, name = ''] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
      expect(body.schemas).toHaveProperty(name)
    }
    expect(text).toContain(
      'v1/projects/{projectsId}/models/{modelsId}/versions/{versionsId}:setDefault',
    )
    expect((await send(`${server.url}/$discovery/rest?version=v2`, 'GET')).status).toBe(404)
  })

  test('log entries tell what operations and defaults did', async () => {
    await createModel('logged')
    await createVersion('logged', 'v1')
    const { operations } = (await ask('GET', '/operations?filter=metadata.modelName:logged')).body
    const [, id] = /operations\/(.*)$/.exec(operations[0].name) ?? []
    const list = (body: object) =>
      send(`${server.url}/v2/entries:list`, 'POST', { resourceNames: ['projects/p'], ...body })
    const filter = `(resource.type="ml_job" OR resource.type="cloudml_job") AND resource.labels.job_id="${id}" AND timestamp>="1970-01-01T01:00:00.000000000Z"`
    const { body } = await list({ filter, orderBy: 'timestamp asc', pageSize: 1000 })
    expect(body.entries.map((each: { textPayload: string }) => each.textPayload)).toEqual(
      expect.arrayContaining([
        'create_version logged/v1',
        'Making it of gs://staging/logged-v1/',
        'Testing that it answers',
      ]),
    )
    const moved = await list({
      filter: 'resource.type="cloudml_model_version" AND resource.labels.model_id="logged"',
    })
    expect(moved.body.entries).toMatchObject([{ textPayload: expect.stringMatching(/none → v1/) }])
    expect((await list({ filter: 'severity=' })).status).toBe(400)
    expect((await list({ resourceNames: [] })).status).toBe(400)
  })
})

describe('uploads', () => {
  const file = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251))
  const upload = `/upload/storage/v1/b/staging/o`
  const read = async (name: string) =>
    Buffer.from(
      await (
        await fetch(`${server.url}/storage/v1/b/staging/o/${encodeURIComponent(name)}?alt=media`)
      ).arrayBuffer(),
    )

  test('come in one piece, described beside it', async () => {
    const body = Buffer.concat([
      Buffer.from(
        '--x\nContent-Type: application/json\n\n{"size":"1000"}\n--x\nContent-Type: a/b\n\n',
      ),
      file,
      Buffer.from('\n--x--'),
    ])
    const response = await fetch(`${server.url}${upload}?uploadType=multipart&name=one%2Ffile`, {
      method: 'POST',
      headers: { 'content-type': "multipart/related; boundary='x'" },
      body,
    })
    expect(await response.json()).toMatchObject({
      bucket: 'staging',
      name: 'one/file',
      size: '1000',
      contentType: 'a/b',
      md5Hash: createHash('md5').update(file).digest('base64'),
    })
    expect(await read('one/file')).toEqual(file)
    const audit = await fetch(`${server.url}/api/audit`)
    expect(await audit.json()).toContainEqual(
      expect.objectContaining({
        action: 'object.put',
        target: 'gs://staging/one/file',
        outcome: 'ok',
      }),
    )
  })

  test('come in parts, which may be sent again', async () => {
    const begun = await fetch(`${server.url}${upload}?uploadType=resumable&name=parts`, {
      method: 'POST',
      body: '{}',
    })
    const location = begun.headers.get('location') ?? ''
    const put = (from: number, to: number, of: number | '*' = 1000) =>
      fetch(location, {
        method: 'PUT',
        headers: { 'content-range': `bytes ${from}-${to - 1}/${of}` },
        body: file.subarray(from, to),
        redirect: 'manual',
      })
    const first = await put(0, 400, '*')
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-399'])
    const again = await put(0, 400)
    expect([again.status, again.headers.get('range')]).toEqual([308, 'bytes=0-399'])
    const gap = await put(600, 1000)
    expect([gap.status, gap.headers.get('range')]).toEqual([308, 'bytes=0-399'])
    const asked = await fetch(location, {
      method: 'PUT',
      headers: { 'content-range': 'bytes */1000' },
      redirect: 'manual',
    })
    expect([asked.status, asked.headers.get('range')]).toEqual([308, 'bytes=0-399'])
    const last = await put(400, 1000)
    expect(last.status).toBe(200)
    expect(await last.json()).toMatchObject({ name: 'parts', size: '1000' })
    expect(await read('parts')).toEqual(file)
  })

  test('are listed by folders and deleted', async () => {
    await stage(server.url, 'deep/er', [['a', file]])
    const list = (query: string) => send(`${server.url}/storage/v1/b/staging/o?${query}`, 'GET')
    expect((await list('prefix=deep/&delimiter=/')).body).toMatchObject({ prefixes: ['deep/er/'] })
    expect((await list('prefix=deep/')).body).toMatchObject({ items: [{ name: 'deep/er/a' }] })
    const object = `${server.url}/storage/v1/b/staging/o/deep%2Fer%2Fa`
    expect((await send(object, 'DELETE')).status).toBe(204)
    expect(await send(object, 'GET')).toMatchObject({
      status: 404,
      body: { error: { code: 404, errors: [{ reason: 'notFound' }] } },
    })
    expect((await send(`${server.url}/storage/v1/b/staging`, 'GET')).body.name).toBe('staging')
  })

  test.each([
    ['uploadType=media&name=../x'],
    ['uploadType=media&name=a//b'],
    ['uploadType=media'],
    ['uploadType=other&name=a'],
    ['name=a'],
    ['uploadType=multipart&name=a'],
  ])('are refused with %s', async (query) => {
    const answer = await send(`${server.url}${upload}?${query}`, 'POST', 'x')
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 400 } } })
  })
})

test('a version whose server was killed while it was made is made by the next one', async () => {
  const path = await mkdtemp(join(tmpdir(), 'verger-killed-'))
  const env = { VERGER_HOME: path }
  const first = await startServer({ env })
  await cloud(first.url, 'POST', '/models', { name: 'fruits' })
  const deploymentUri = await stage(first.url, 'killed', bundle)
  const creating = cloud(first.url, 'POST', '/models/fruits/versions', {
    name: 'v1',
    deploymentUri,
  }).catch(() => undefined)
  for (;;) {
    const { body } = await cloud(first.url, 'GET', '/operations')
    if (body.operations !== undefined) break
  }
  first.process.kill('SIGKILL')
  await creating
  await first.stop()

  const second = await startServer({ env })
  try {
    const { operations } = (await cloud(second.url, 'GET', '/operations')).body
    const ended = await waitForOperation(second.url, operations[0].name)
    expect(ended).toMatchObject({ done: true, response: { state: 'READY' } })
    expect((await cloud(second.url, 'GET', '/models/fruits')).body.defaultVersion.name).toBe(
      'projects/p/models/fruits/versions/v1',
    )
  } finally {
    await second.stop()
    await rm(path, { recursive: true, force: true })
  }
})
