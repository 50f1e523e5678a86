/** tritonclient, KServe's clients and one generated from the public proto, against a running Verger. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodePhoto } from '../../dist/images/decode.js'
import { CLIENTS_PYTHON } from '../support/foreign-clients.ts'
import { predict, predictionsOf } from '../support/http-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { photoPath, readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { TINY_LABELS } from '../support/tiny-bundle.ts'

const NAME = 'rgb.png'
const run = promisify(execFile)

let home: ModelHome
let server: TestServer
let folder: string
let pixels: readonly string[]
let expected: readonly number[]
beforeAll(async () => {
  home = await createModelHome()
  folder = await mkdtemp(join(tmpdir(), 'verger-clients-'))
  server = await startServer({ env: { VERGER_HOME: home.path }, args: ['--grpc-port', '0'] })
  const { data, width, height } = await decodePhoto(readPhoto(NAME), { size: 224, maxPixels: 1e6 })
  await writeFile(join(folder, 'pixels'), data)
  pixels = [join(folder, 'pixels'), String(height), String(width)]
  const options = { type: 'image/png', query: 'model=fruits&top=9' }
  const [prediction] = predictionsOf(await predict(server.url, readPhoto(NAME), options))
  const scores = new Map(prediction?.top?.map(({ label, score }) => [label, score]))
  expected = TINY_LABELS.map((label) => Math.fround(scores.get(label) ?? Number.NaN))
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
  await rm(folder, { recursive: true })
})

/** What a program prints, as JSON. */
async function ask(program: string, ...given: readonly string[]) {
  const path = fileURLToPath(new URL(`programs/${program}.py`, import.meta.url))
  const { stdout } = await run(CLIENTS_PYTHON ?? '', [path, ...given])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
const grpcAddress = () => `127.0.0.1:${server.grpcPort}`
const floats = (values: readonly number[]) => values.map(Math.fround)

describe.skipIf(CLIENTS_PYTHON === undefined)('tritonclient', () => {
  test.each([
    ['triton_http', 12, '404'],
    ['triton_grpc', 8, 'StatusCode.NOT_FOUND'],
  ])('%s finds what it asks for, and the same answers', async (program, ways, missing) => {
    const address = program === 'triton_http' ? `127.0.0.1:${server.port}` : grpcAddress()
    const found = await ask(program, address, photoPath(NAME), ...pixels)
    expect(found).toMatchObject({
      live: true,
      ready: true,
      model_ready: true,
      server: { name: 'verger' },
      model: { name: 'fruits', versions: ['v2', 'v1'], platform: 'verger_bundle' },
      id: 'a7',
      version: 'v1',
      refused: {
        model: {
          status: missing,
          message: expect.stringMatching(/Expected the name of a model, received "pears"/),
        },
        input: { message: expect.stringMatching(/Expected one input.*received "x"/) },
        memory: { message: expect.stringMatching(/memory/i) },
      },
    })
    expect(found.labels).toHaveLength(TINY_LABELS.length)
    expect(found.classes[0][0]).toMatch(/^0\.\d+:\d:(Granny_Smith|pear|plum)$/)
    const index = found.loaded.models ?? found.loaded
    expect(index).toContainEqual(
      expect.objectContaining({ name: 'fruits', version: 'v1', state: 'READY' }),
    )
    const [statistics] = found.statistics.model_stats
    expect(Number(statistics.inference_count)).toBeGreaterThanOrEqual(ways)
    expect(Number(statistics.inference_stats.success.ns)).toBeGreaterThan(0)
    expect(Object.keys(found.probabilities)).toHaveLength(ways)
    for (const [way, values] of Object.entries(found.probabilities)) {
      expect([way, floats(values as number[])]).toEqual([way, expected])
    }
  })

  test('over HTTP says of the rest that it is missing, and over gRPC of a call that it is late', async () => {
    const http = await ask('triton_http', `127.0.0.1:${server.port}`, photoPath(NAME), ...pixels)
    expect(http).toMatchObject({
      other_ready: false,
      refused: {
        photo: {
          status: '415',
          message: expect.stringMatching(/^image_bytes\[0\]: Expected JPEG/),
        },
        trace: { status: '404', message: expect.stringMatching(/no trace settings/) },
        logging: { status: '404', message: expect.stringMatching(/no log settings/) },
      },
    })
    const grpc = await ask('triton_grpc', grpcAddress(), photoPath(NAME), ...pixels)
    expect(grpc).toMatchObject({
      stream: ['0', expect.stringMatching(/received "pears"/), '2'],
      refused: { late: { status: 'StatusCode.DEADLINE_EXCEEDED' } },
    })
  })
})

describe.skipIf(CLIENTS_PYTHON === undefined)('kserve', () => {
  test('finds what it asks for, and the same answers, by all three clients', async () => {
    const { v1, v2, grpc } = await ask('kserve_clients', server.url, grpcAddress(), photoPath(NAME))
    expect(v1).toMatchObject({
      live: true,
      ready: true,
      refused: expect.stringMatching(/HTTPStatusError: Failed to process element: 0.*400/),
      explain: expect.stringMatching(/explains no prediction/),
    })
    expect(v2).toMatchObject({
      live: true,
      server_ready: true,
      ready: true,
      other_ready: false,
      id: 'a7',
      refused: expect.stringMatching(/HTTPStatusError: Expected base64 text in image_base64\[0\]/),
    })
    expect(grpc).toMatchObject({
      live: true,
      server_ready: true,
      ready: true,
      id: 'a7',
      refused: expect.stringMatching(/NOT_FOUND/),
    })
    for (const values of [v1.probabilities, v2.probabilities, v2.binary, grpc.probabilities]) {
      expect(floats(values)).toEqual(expected)
    }
  })
})

describe.skipIf(CLIENTS_PYTHON === undefined)('a client generated from the public proto', () => {
  test('speaks with the server', async () => {
    const generated = join(folder, 'generated')
    await run('mkdir', [generated])
    const found = await ask('generated_grpc', grpcAddress(), photoPath(NAME), generated)
    expect(found).toMatchObject({
      ready: true,
      versions: ['v2', 'v1'],
      id: 'a7',
      missing: 'UNIMPLEMENTED',
    })
    expect(floats(found.probabilities)).toEqual(expected)
    expect(floats(found.streamed)).toEqual(expected)
  })
})
