/** gRPC: status codes, streams, health, deadlines, tokens, TLS and shutdown. */
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, type ServiceError, status } from '@grpc/grpc-js'
import { readConfig } from 'verger'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRegistry } from '../../dist/registry/registry.js'
import { createToken } from '../../dist/registry/tokens.js'
import { joinElements } from '../../dist/server/open-inference/tensors.js'
import { openStore, type Store } from '../../dist/store/store.js'
import { createPair, type TestPair } from '../support/certificates.ts'
import {
  type InferenceClient,
  type InferInit,
  openInferenceClient,
  type StreamAnswer,
} from '../support/inference-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { runProgram, serversLeft, startServer, type TestServer } from '../support/server.ts'

const args = ['--grpc-port', '0']
const SERVICE = 'inference.GRPCInferenceService'
const raw = joinElements([readPhoto('baseline.jpg')])
const bytes = { name: 'image_bytes', datatype: 'BYTES', shape: [1n] }
const request: InferInit = { modelName: 'fruits', inputs: [bytes], rawInputContents: [raw] }

let home: ModelHome
let server: TestServer
let client: InferenceClient
beforeAll(async () => {
  home = await createModelHome()
  server = await startServer({
    env: {
      VERGER_HOME: home.path,
      VERGER_MAX_REQUEST_BYTES: '200000',
      VERGER_MAX_REQUEST_PHOTOS: '3',
    },
    args,
  })
  client = openInferenceClient(server.grpcPort)
})
afterAll(async () => {
  client.close()
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

async function expectStatus(answer: Promise<unknown>, code: status, details: RegExp) {
  const error = (await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as ServiceError | undefined
  expect(error?.details).toMatch(details)
  expect(status[error?.code ?? 0]).toBe(status[code])
}

describe('the methods', () => {
  test('tell that the server is there', async () => {
    expect(await client.call('serverLive', {})).toMatchObject({ live: true })
    expect(await client.call('serverReady', {})).toMatchObject({ ready: true })
    expect(await client.call('serverMetadata', {})).toMatchObject({ name: 'verger' })
    expect(await client.check('')).toBe(1)
    expect(await client.check(SERVICE)).toBe(1)
  })

  test('describe a model', async () => {
    expect(await client.call('modelReady', { name: 'fruits', version: '2' })).toMatchObject({
      ready: true,
    })
    const metadata = await client.call('modelMetadata', { name: 'fruits' })
    expect(metadata).toMatchObject({ name: 'fruits', versions: ['v2', 'v1'] })
    expect(metadata.outputs[2]).toMatchObject({
      name: 'probabilities',
      datatype: 'FP32',
      shape: [-1n, 3n],
    })
    const { config } = await client.call('modelConfig', { name: 'fruits' })
    expect(config?.input[0]).toMatchObject({
      name: 'image_bytes',
      dataType: 13,
      dims: [-1n],
      optional: true,
    })
  })

  test('answer with the id of the request and the version that answered', async () => {
    const answer = await client.call('modelInfer', { ...request, id: 'a7', modelVersion: 'v2' })
    expect(answer).toMatchObject({ modelName: 'fruits', modelVersion: 'v2', id: 'a7' })
    expect(answer.outputs.map(({ name }) => name)).toEqual(['scores', 'labels', 'probabilities'])
  })

  test('load, list, count and unload', async () => {
    await client.call('repositoryModelLoad', { modelName: 'fruits' })
    const { models } = await client.call('repositoryIndex', { ready: true })
    expect(models.map(({ version }) => version)).toContain('v1')
    await client.call('modelInfer', { ...request, modelVersion: 'v1' })
    const { modelStats } = await client.call('modelStatistics', { name: 'fruits', version: 'v1' })
    expect(modelStats[0]?.inferenceStats?.success?.count).toBeGreaterThan(0n)
    expect(modelStats[0]?.memoryUsage[0]?.byteSize).toBeGreaterThan(0n)
    await client.call('repositoryModelUnload', { modelName: 'fruits' })
    const after = await client.call('repositoryIndex', {})
    expect(after.models.map(({ state }) => state)).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
  })
})

describe('a call is refused', () => {
  const parameters = {
    classification: { parameterChoice: { case: 'stringParam', value: 'x' } },
  } as const
  const memory = {
    shared_memory_region: { parameterChoice: { case: 'stringParam', value: 'r' } },
  } as const
  test.each<[string, InferInit, status, RegExp]>([
    [
      'of a model that is not there',
      { ...request, modelName: 'pears' },
      status.NOT_FOUND,
      /Expected the name of a model, received "pears"/,
    ],
    [
      'of a version that is not there',
      { ...request, modelVersion: '9' },
      status.NOT_FOUND,
      /Expected a version of fruits, received "v9"/,
    ],
    [
      'without inputs',
      { modelName: 'fruits' },
      status.INVALID_ARGUMENT,
      /Expected one input.*received none/,
    ],
    [
      'with more raw contents than inputs',
      { ...request, rawInputContents: [raw, raw] },
      status.INVALID_ARGUMENT,
      /must be 1, one for each input, not 2/,
    ],
    [
      'with contents beside raw ones',
      { ...request, inputs: [{ ...bytes, contents: { bytesContents: [raw] } }] },
      status.INVALID_ARGUMENT,
      /no contents beside raw_input_contents/,
    ],
    [
      'with values of another type',
      { modelName: 'fruits', inputs: [{ ...bytes, contents: { fp32Contents: [1] } }] },
      status.INVALID_ARGUMENT,
      /Expected 1 values in image_bytes.*received 0/,
    ],
    [
      'with shared memory',
      { modelName: 'fruits', inputs: [{ ...bytes, parameters: memory }] },
      status.INVALID_ARGUMENT,
      /shares no memory/,
    ],
    [
      'with a negative shape',
      { ...request, inputs: [{ ...bytes, shape: [-1n] }] },
      status.INVALID_ARGUMENT,
      /whole numbers from 0 on/,
    ],
    [
      'with an immense shape',
      { ...request, inputs: [{ ...bytes, shape: [2n ** 62n] }] },
      status.INVALID_ARGUMENT,
      /whole numbers from 0 on/,
    ],
    [
      'with too many photos',
      { ...request, inputs: [{ ...bytes, shape: [4n] }] },
      status.INVALID_ARGUMENT,
      /at most 3 photos/,
    ],
    [
      'with raw contents cut short',
      { ...request, rawInputContents: [raw.subarray(0, 99)] },
      status.INVALID_ARGUMENT,
      /to end at byte/,
    ],
    [
      'with something that is no photo',
      { ...request, rawInputContents: [joinElements([Buffer.from('?')])] },
      status.INVALID_ARGUMENT,
      /^image_bytes\[0\]: Expected JPEG/,
    ],
    [
      'with an output that is not there',
      { ...request, outputs: [{ name: 'x' }] },
      status.INVALID_ARGUMENT,
      /as outputs, received "x"/,
    ],
    [
      'with classes that are no number',
      { ...request, outputs: [{ name: 'scores', parameters }] },
      status.INVALID_ARGUMENT,
      /classification must be a whole number/,
    ],
    [
      'with more bytes than a request may have',
      { ...request, rawInputContents: [Buffer.alloc(300_000)] },
      status.RESOURCE_EXHAUSTED,
      /larger than max \(\d+ vs 200000\)/,
    ],
  ])('%s', async (_what, message, code, details) => {
    await expectStatus(client.call('modelInfer', message), code, details)
  })

  test('of a method that Verger has not', async () => {
    const path = `/${SERVICE}/SystemSharedMemoryStatus`
    const called = new Promise((resolve, reject) => {
      const same = (value: Buffer) => value
      client.client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, value) =>
        error === null ? resolve(value) : reject(error),
      )
    })
    await expectStatus(called, status.UNIMPLEMENTED, /SystemSharedMemoryStatus/)
  })

  test('that is no message', async () => {
    const called = new Promise((resolve, reject) => {
      const same = (value: Buffer) => value
      client.client.makeUnaryRequest(
        `/${SERVICE}/ModelInfer`,
        same,
        same,
        Buffer.of(0x0a, 0xff),
        (error, value) => (error === null ? resolve(value) : reject(error)),
      )
    })
    await expectStatus(called, status.INVALID_ARGUMENT, /Expected a inference.ModelInferRequest/)
  })

  test('for the health of a service that is not there', async () => {
    await expectStatus(client.check('x'), status.NOT_FOUND, /received "x"/)
  })

  test('once its deadline is over, and the server goes on', async () => {
    await expectStatus(
      client.call('modelInfer', request, { deadline: Date.now() + 1 }),
      status.DEADLINE_EXCEEDED,
      /./,
    )
    expect(await client.call('modelInfer', request)).toMatchObject({ modelName: 'fruits' })
  })
})

describe('a stream', () => {
  async function answersOf(messages: readonly InferInit[]) {
    const stream = client.stream()
    const answers: StreamAnswer[] = []
    stream.on('data', (answer: StreamAnswer) => answers.push(answer))
    for (const message of messages) stream.write(message)
    stream.end()
    await once(stream, 'end')
    return answers
  }

  test('is answered in the order of its requests', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => String(index))
    const answers = await answersOf(ids.map((id) => ({ ...request, id })))
    expect(answers.map(({ inferResponse }) => inferResponse?.id)).toEqual(ids)
    expect(answers.every(({ errorMessage }) => errorMessage === '')).toBe(true)
  })

  test('goes on after an error, which names its request', async () => {
    const [first, second] = await answersOf([{ ...request, id: '1', modelName: 'pears' }, request])
    expect(first).toMatchObject({
      errorMessage: expect.stringMatching(/Expected the name of a model/),
      inferResponse: { id: '1', modelName: 'pears' },
    })
    expect(second?.inferResponse?.outputs).toHaveLength(3)
  })

  test('may be left', async () => {
    const stream = client.stream()
    stream.on('error', () => {})
    stream.write(request)
    stream.cancel()
    expect(await client.call('serverLive', {})).toMatchObject({ live: true })
  })
})

describe('a token', () => {
  const TOKEN = 'a-long-secret-of-the-orchard'
  let guarded: TestServer
  let stranger: InferenceClient
  beforeAll(async () => {
    guarded = await startServer({ env: { VERGER_HOME: home.path, VERGER_TOKEN: TOKEN }, args })
    stranger = openInferenceClient(guarded.grpcPort)
  })
  afterAll(async () => {
    stranger.close()
    expect(await guarded.stop()).toBe(0)
    expect(guarded.stderr.join('\n')).not.toContain(TOKEN)
  })

  test('lets in', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await stranger.call('modelInfer', request, { headers })).toMatchObject({
      modelVersion: 'v1',
    })
    const stream = stranger.stream(headers)
    stream.write(request)
    const [answer] = (await once(stream, 'data')) as [StreamAnswer]
    expect(answer.errorMessage).toBe('')
    stream.end()
  })

  test.each([{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${TOKEN}` }])(
    'that is not right does not: %j',
    async (headers) => {
      const details = /Expected the header Authorization: Bearer/
      for (const name of ['modelInfer', 'modelMetadata', 'repositoryModelLoad'] as const) {
        await expectStatus(stranger.call(name, {}, { headers }), status.UNAUTHENTICATED, details)
      }
      const stream = stranger.stream(headers)
      const [error] = (await once(stream, 'error')) as [ServiceError]
      expect(status[error.code]).toBe('UNAUTHENTICATED')
    },
  )

  test('is not needed to ask whether the server is ready', async () => {
    expect(await stranger.call('serverReady', {})).toMatchObject({ ready: true })
    expect(await stranger.check('')).toBe(1)
  })
})

describe('tokens of the registry', () => {
  let guarded: TestServer
  let holder: InferenceClient
  let store: Store
  let guardedHome: ModelHome
  const tokens: Record<string, { authorization: string }> = {}
  beforeAll(async () => {
    guardedHome = await createModelHome()
    store = await openStore(readConfig({ VERGER_HOME: guardedHome.path }))
    await createRegistry(store).createModel('pears')
    for (const [name, scopes, models] of [
      ['phone', ['predict'], ['fruits']],
      ['viewer', ['read'], ['pears']],
      ['gardener', ['predict', 'read', 'manage'], undefined],
    ] as const) {
      const { token } = await createToken(store, { name, scopes, ...(models && { models }) }, 'ana')
      tokens[name] = { authorization: `Bearer ${token}` }
    }
    guarded = await startServer({ env: { VERGER_HOME: guardedHome.path }, args })
    holder = openInferenceClient(guarded.grpcPort)
  })
  afterAll(async () => {
    holder.close()
    expect(await guarded.stop()).toBe(0)
    await store.close()
    await guardedHome.remove()
  })
  const as = (name: string) => ({ headers: tokens[name] ?? {} })

  test('do what their scope says, for the models that they are for', async () => {
    expect(await holder.call('modelInfer', request, as('phone'))).toMatchObject({
      modelVersion: 'v1',
    })
    const denied = status.PERMISSION_DENIED
    await expectStatus(
      holder.call('modelInfer', { ...request, modelName: 'pears' }, as('phone')),
      denied,
      /received phone for fruits/,
    )
    await expectStatus(
      holder.call('modelMetadata', { name: 'fruits' }, as('phone')),
      denied,
      /scope read, received phone with predict/,
    )
    await expectStatus(
      holder.call('modelMetadata', { name: 'fruits' }, as('viewer')),
      denied,
      /received viewer for pears/,
    )
    await expectStatus(
      holder.call('repositoryModelLoad', { modelName: 'fruits' }, as('viewer')),
      denied,
      /scope manage/,
    )
    await holder.call('repositoryModelLoad', { modelName: 'fruits' }, as('gardener'))
  })

  test('see the models that they are for', async () => {
    expect((await holder.call('repositoryIndex', {}, as('viewer'))).models).toEqual([])
    expect((await holder.call('modelStatistics', {}, as('viewer'))).modelStats).toEqual([])
    expect((await holder.call('repositoryIndex', {}, as('gardener'))).models).toHaveLength(2)
  })

  test('hold for each message of a stream', async () => {
    const stream = holder.stream(as('phone').headers)
    stream.write(request)
    const [answer] = (await once(stream, 'data')) as [StreamAnswer]
    expect(answer.inferResponse?.modelVersion).toBe('v1')
    stream.write({ ...request, modelName: 'pears' })
    const [error] = (await once(stream, 'error')) as [ServiceError]
    expect([status[error.code], error.details]).toEqual([
      'PERMISSION_DENIED',
      expect.stringMatching(/received phone for fruits/),
    ])
  })
})

describe('with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verger-grpc-'))
  const [first, second, third] = [createPair('first'), createPair('second'), createPair('third')]
  const files = {
    VERGER_TLS_CERT: join(folder, 'cert.pem'),
    VERGER_TLS_KEY: join(folder, 'key.pem'),
  }
  /** As certbot does: new files beside the old ones, and links that are turned to them, one after the other. */
  const renew = (pair: TestPair, number: number) => {
    for (const [link, text] of [
      [files.VERGER_TLS_CERT, pair.cert],
      [files.VERGER_TLS_KEY, pair.key],
    ] as const) {
      writeFileSync(`${link}.${number}`, text)
      symlinkSync(`${link}.${number}`, `${link}.turned`)
      renameSync(`${link}.turned`, link)
    }
  }

  let secure: TestServer
  beforeAll(async () => {
    renew(first, 1)
    secure = await startServer({ env: files, args })
  })
  afterAll(async () => {
    expect(await secure.stop()).toBe(0)
    rmSync(folder, { recursive: true })
  })

  /** A client of its own connection, and what a first call gives. */
  async function withClient<Result>(
    { cert }: TestPair,
    use: (client: InferenceClient) => Promise<Result>,
  ): Promise<Result> {
    const opened = openInferenceClient(secure.grpcPort, credentials.createSsl(Buffer.from(cert)))
    try {
      return await use(opened)
    } finally {
      opened.close()
    }
  }
  const isLive = (pair: TestPair) =>
    withClient(pair, async (opened) => (await opened.call('serverLive', {})).live)

  test('shows the certificate of the server, and hears nobody without', async () => {
    expect(await isLive(first)).toBe(true)
    await expectStatus(isLive(second), status.UNAVAILABLE, /./)
    const plain = openInferenceClient(secure.grpcPort)
    await expectStatus(plain.call('serverLive', {}), status.UNAVAILABLE, /./)
    plain.close()
  })

  test('shows new connections a renewed one, and goes on with those that are open', async () => {
    await withClient(first, async (open) => {
      expect(await open.call('serverLive', {})).toMatchObject({ live: true })
      renew(second, 2)
      await vi.waitFor(async () => expect(await isLive(second)).toBe(true), { timeout: 8000 })
      await expectStatus(isLive(first), status.UNAVAILABLE, /./)
      expect(await open.call('serverLive', {})).toMatchObject({ live: true })
    })
  })

  test('shows it at once on SIGHUP', async () => {
    renew(third, 3)
    secure.process.kill('SIGHUP')
    await vi.waitFor(async () => expect(await isLive(third)).toBe(true), { timeout: 1500 })
  })

  test('keeps the old one beside a pair that cannot be used', async () => {
    renew({ cert: second.cert, key: first.key }, 4)
    secure.process.kill('SIGHUP')
    await vi.waitFor(() => expect(secure.stderr.join('\n')).toContain('certificate not renewed'))
    expect(await isLive(third)).toBe(true)
  })
})

test('answers the calls that are here when the server stops, ends streams and says so', async () => {
  const stopping = await startServer({ env: { VERGER_HOME: home.path, VERGER_WORKERS: '1' }, args })
  const late = openInferenceClient(stopping.grpcPort)
  try {
    await late.call('modelInfer', request)
    const health: number[] = []
    const watching = (async () => {
      for await (const each of late.watch('')) health.push(each.status)
    })()
    const idle = late.stream()
    const ended = once(idle, 'error')
    idle.write(request)
    await once(idle, 'data')
    const calls = Array.from({ length: 20 }, () => late.call('modelInfer', request))
    await Promise.race(calls)
    const stopped = stopping.stop()
    const answers = await Promise.all(calls)
    expect(answers.every(({ modelVersion }) => modelVersion === 'v1')).toBe(true)
    const [error] = (await ended) as [ServiceError]
    expect([status[error.code], error.details]).toEqual([
      'UNAVAILABLE',
      'The server is shutting down',
    ])
    await watching
    expect(health).toEqual([1, 2])
    expect(await stopped).toBe(0)
  } finally {
    late.close()
    await stopping.stop()
  }
})

test('refuses messages beyond the bytes that are held at once, with the time to come again', async () => {
  const small = await startServer({
    env: { VERGER_HOME: home.path, VERGER_WORKERS: '1', VERGER_MAX_QUEUED_BYTES: '100000' },
    args,
  })
  const many = openInferenceClient(small.grpcPort)
  const [padded] = [
    joinElements([Buffer.concat([readPhoto('baseline.jpg'), Buffer.alloc(60_000)])]),
  ]
  try {
    await many.call('modelInfer', request)
    const full: InferInit = { ...request, rawInputContents: [padded] }
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        many.call('modelInfer', full).then(
          () => 'OK',
          (error: ServiceError) => {
            expect(error.details).toMatch(/at most 100000 bytes of requests at once/)
            expect(Number(error.metadata.get('grpc-retry-pushback-ms')[0])).toBeGreaterThan(0)
            return status[error.code]
          },
        ),
      ),
    )
    expect(new Set(outcomes)).toEqual(new Set(['OK', 'UNAVAILABLE']))
    expect(await many.call('modelInfer', full)).toMatchObject({ modelVersion: 'v1' })
  } finally {
    many.close()
    expect(await small.stop()).toBe(0)
  }
})

test('says that its port is taken', async () => {
  const { exitCode, stderr } = await runProgram([
    'up',
    '--port',
    '0',
    '--grpc-port',
    String(server.grpcPort),
  ])
  expect(exitCode).toBe(1)
  expect(stderr.join('\n')).toMatch(
    /to be free for gRPC, another process listens there \[address_in_use\]/,
  )
})
