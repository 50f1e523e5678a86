/** The same photo by every way of every protocol: the answers are the same to the last bit of a float. */
import { once } from 'node:events'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodePhoto, type Pixels } from '../../dist/images/decode.js'
import { joinElements, splitElements } from '../../dist/server/open-inference/tensors.js'
import { formOf, predict, predictionsOf } from '../support/http-client.ts'
import {
  type InferAnswer,
  type InferenceClient,
  type InferInit,
  openInferenceClient,
  type StreamAnswer,
} from '../support/inference-client.ts'
import { createModelHome, type ModelHome } from '../support/model-home.ts'
import { readPhoto } from '../support/photos.ts'
import { serversLeft, startServer, type TestServer } from '../support/server.ts'
import { TINY_LABELS } from '../support/tiny-bundle.ts'

const photo = readPhoto('rgb.png')
const b64 = photo.toString('base64')
const web = photo.toString('base64url')

let home: ModelHome
let server: TestServer
let client: InferenceClient
let pixels: Pixels
let expected: readonly number[]
beforeAll(async () => {
  home = await createModelHome()
  server = await startServer({ env: { VERGER_HOME: home.path }, args: ['--grpc-port', '0'] })
  client = openInferenceClient(server.grpcPort)
  pixels = await decodePhoto(photo, { size: 224, maxPixels: 1e6 })
  expected = await ask('raw bytes')
  expect(expected).toHaveLength(TINY_LABELS.length)
  expect(expected.reduce((sum, score) => sum + score)).toBeCloseTo(1)
})
afterAll(async () => {
  client.close()
  expect(await server.stop()).toBe(0)
  expect(serversLeft()).toEqual([])
  await home.remove()
})

/** Probabilities in the order of the labels, as 32-bit floats. */
type Way = () => Promise<readonly number[]>

const floats = (scores: readonly (number | undefined)[]) =>
  scores.map((each) => Math.fround(each ?? Number.NaN))

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const isBytes = body instanceof Uint8Array
  const response = await fetch(server.url + path, {
    method: 'POST',
    body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    headers: {
      'content-type': isBytes ? 'application/octet-stream' : 'application/json',
      ...headers,
    },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.status, bytes.toString()).toBe(200)
  return { headers: response.headers, bytes, json: () => JSON.parse(bytes.toString()) }
}

const own =
  (send: () => ReturnType<typeof predict>): Way =>
  async () => {
    const [prediction] = predictionsOf(await send())
    const scores = new Map(prediction?.top?.map(({ label, score }) => [label, score]))
    return floats(TINY_LABELS.map((label) => scores.get(label)))
  }
const query = 'model=fruits&top=9'

const predictions =
  (
    path: string,
    body: unknown,
    pick = (json: { predictions: { probabilities: number[] }[] }) =>
      json.predictions[0]?.probabilities,
  ): Way =>
  async () =>
    floats(pick((await post(path, body)).json()) ?? [])
const columns = (json: { outputs?: { probabilities: number[][] } }) =>
  json.outputs?.probabilities[0]

const TFS = '/v1/models/fruits:predict'
const ML = '/v1/projects/p/models/fruits:predict'
const V2 = '/v2/models/fruits/infer'

interface InferJson {
  readonly outputs: readonly {
    readonly name: string
    readonly data?: number[]
    readonly parameters?: { binary_data_size: number }
  }[]
}
const asked = { outputs: [{ name: 'probabilities' }] }

const infer =
  (input: Record<string, unknown>): Way =>
  async () => {
    const { outputs }: InferJson = (await post(V2, { inputs: [input], ...asked })).json()
    return floats(outputs[0]?.data ?? [])
  }

const inferBinary =
  (input: Record<string, unknown>, tensor: () => Uint8Array, pack?: 'gzip' | 'deflate'): Way =>
  async () => {
    const bytes = tensor()
    const parameters = { binary_data_size: bytes.length }
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ ...input, parameters }],
        outputs: [{ name: 'probabilities', parameters: { binary_data: true } }],
      }),
    )
    const body = Buffer.concat([head, bytes])
    const packed = pack === undefined ? body : pack === 'gzip' ? gzipSync(body) : deflateSync(body)
    const answer = await post(V2, packed, {
      'inference-header-content-length': String(head.length),
      ...(pack === undefined ? {} : { 'content-encoding': pack }),
    })
    const length = Number(answer.headers.get('inference-header-content-length'))
    const { outputs }: InferJson = JSON.parse(answer.bytes.subarray(0, length).toString())
    const rest = Uint8Array.from(answer.bytes.subarray(length))
    expect(outputs[0]?.parameters?.binary_data_size).toBe(rest.length)
    return [...new Float32Array(rest.buffer)]
  }

const bytesInput = { name: 'image_bytes', datatype: 'BYTES', shape: [1] }
const textInput = { ...bytesInput, name: 'image_base64' }
const shape = () => [1, pixels.height, pixels.width, 3]
const pixelInput = (datatype: string) => ({
  name: 'image',
  datatype,
  get shape() {
    return shape()
  },
})
const planes = () => {
  const size = pixels.width * pixels.height
  return Uint8Array.from(
    { length: 3 * size },
    (_, at) => pixels.data[3 * (at % size) + Math.floor(at / size)] ?? 0,
  )
}
const nested = () => [
  Array.from({ length: pixels.height }, (_, y) =>
    Array.from({ length: pixels.width }, (_, x) =>
      [0, 1, 2].map((c) => pixels.data[3 * (y * pixels.width + x) + c]),
    ),
  ),
]

const probabilitiesOf = ({ outputs, rawOutputContents }: InferAnswer) => {
  const at = outputs.findIndex(({ name }) => name === 'probabilities')
  const raw = rawOutputContents[at]
  return raw === undefined
    ? (outputs[at]?.contents?.fp32Contents ?? [])
    : [...new Float32Array(Uint8Array.from(raw).buffer)]
}
const call =
  (request: () => InferInit): Way =>
  async () =>
    probabilitiesOf(await client.call('modelInfer', { modelName: 'fruits', ...request() }))

const rpcBytes = { ...bytesInput, shape: [1n] }
const rpcPixels = (datatype: string) => ({ name: 'image', datatype, shape: shape().map(BigInt) })
const levels = () => [...pixels.data]

const WAYS: Readonly<Record<string, Way>> = {
  'raw bytes': own(() => predict(server.url, photo, { type: 'image/png', query })),
  'a form': own(() => predict(server.url, formOf([['a.png', photo]]), { query })),
  'text in JSON': own(() =>
    predict(server.url, JSON.stringify({ image: b64 }), { type: 'application/json', query }),
  ),
  'b64 in JSON': own(() =>
    predict(server.url, JSON.stringify({ images: [{ b64 }] }), { type: 'application/json', query }),
  ),
  'CloudML, b64': predictions(ML, { instances: [{ b64 }] }),
  'CloudML, text': predictions(ML, { instances: [b64] }),
  'CloudML, named': predictions(ML, { instances: [{ image_bytes: { b64 } }] }),
  'TensorFlow Serving, b64': predictions(TFS, { instances: [{ b64 }] }),
  'TensorFlow Serving, text': predictions(TFS, { instances: [b64] }),
  'TensorFlow Serving, web-safe text': predictions(TFS, { instances: [web] }),
  'TensorFlow Serving, named': predictions(TFS, { instances: [{ image_bytes: { b64 } }] }),
  'TensorFlow Serving, text named': predictions(TFS, { instances: [{ image_base64: b64 }] }),
  'TensorFlow Serving, by signature': predictions(TFS, {
    instances: [{ b64 }],
    signature_name: 'serving_bytes',
  }),
  'TensorFlow Serving, by version': predictions('/v1/models/fruits/versions/1:predict', {
    instances: [{ b64 }],
  }),
  'TensorFlow Serving, by label': predictions('/v1/models/fruits/labels/stable:predict', {
    instances: [{ b64 }],
  }),
  'TensorFlow Serving, column': predictions(TFS, { inputs: [b64] }, columns as never),
  'TensorFlow Serving, named column': predictions(
    TFS,
    { inputs: { image_bytes: [{ b64 }] } },
    columns as never,
  ),
  'TensorFlow Serving, examples': predictions(
    '/v1/models/fruits:classify',
    { examples: [{ image_bytes: { b64 } }] },
    ((json: { results: [string, number][][] }) => {
      const scores = new Map(json.results[0])
      return TINY_LABELS.map((label) => scores.get(label))
    }) as never,
  ),
  'v2, text': infer({ ...textInput, data: [b64] }),
  'v2, text as bytes': infer({
    ...bytesInput,
    data: [b64],
    parameters: { content_type: 'base64' },
  }),
  'v2, nested text': infer({ ...textInput, shape: [1, 1], data: [[b64]] }),
  'v2, flat pixels': async () => infer({ ...pixelInput('UINT8'), data: levels() })(),
  'v2, nested pixels': async () => infer({ ...pixelInput('FP32'), data: nested() })(),
  'v2, binary': inferBinary(bytesInput, () => joinElements([photo])),
  'v2, binary text': inferBinary(textInput, () => joinElements([Buffer.from(b64)])),
  'v2, gzip': inferBinary(bytesInput, () => joinElements([photo]), 'gzip'),
  'v2, deflate': inferBinary(bytesInput, () => joinElements([photo]), 'deflate'),
  'v2, binary pixels': async () => inferBinary(pixelInput('UINT8'), () => pixels.data)(),
  'v2, binary pixels of 32-bit floats': async () =>
    inferBinary(pixelInput('FP32'), () => new Uint8Array(Float32Array.from(pixels.data).buffer))(),
  'v2, binary pixels of 64-bit integers': async () =>
    inferBinary(
      pixelInput('INT64'),
      () => new Uint8Array(BigInt64Array.from(levels(), BigInt).buffer),
    )(),
  'v2, planes': async () =>
    inferBinary({ ...pixelInput('UINT8'), shape: [1, 3, pixels.height, pixels.width] }, planes)(),
  'v2, classes': async () => {
    const outputs = [{ name: 'probabilities', parameters: { classification: 3 } }]
    const answer = await post(V2, { inputs: [{ ...textInput, data: [b64] }], outputs })
    const classes: string[] = answer.json().outputs[0].data
    const scores = new Map(
      classes.map((each) => [Number(each.split(':')[1]), Number(each.split(':')[0])]),
    )
    return floats(TINY_LABELS.map((_, index) => scores.get(index)))
  },
  'gRPC, values': call(() => ({ inputs: [{ ...rpcBytes, contents: { bytesContents: [photo] } }] })),
  'gRPC, text': call(() => ({
    inputs: [
      { ...rpcBytes, name: 'image_base64', contents: { bytesContents: [Buffer.from(b64)] } },
    ],
  })),
  'gRPC, raw': call(() => ({ inputs: [rpcBytes], rawInputContents: [joinElements([photo])] })),
  'gRPC, pixels': call(() => ({ inputs: [rpcPixels('UINT8')], rawInputContents: [pixels.data] })),
  'gRPC, values of pixels': call(() => ({
    inputs: [{ ...rpcPixels('UINT8'), contents: { uintContents: levels() } }],
  })),
  'gRPC, float values of pixels': call(() => ({
    inputs: [{ ...rpcPixels('FP32'), contents: { fp32Contents: levels() } }],
  })),
  'gRPC, classes': async () => {
    const parameterChoice = { case: 'int64Param', value: 3n } as const
    const { rawOutputContents } = await client.call('modelInfer', {
      modelName: 'fruits',
      modelVersion: '1',
      inputs: [rpcBytes],
      outputs: [{ name: 'scores', parameters: { classification: { parameterChoice } } }],
      rawInputContents: [joinElements([photo])],
    })
    const classes = splitElements(rawOutputContents[0] ?? new Uint8Array(), 3, 'scores').map(
      (each) => Buffer.from(each).toString().split(':'),
    )
    const scores = new Map(classes.map(([score, index]) => [Number(index), Number(score)]))
    return floats(TINY_LABELS.map((_, index) => scores.get(index)))
  },
  'gRPC, a stream': async () => {
    const stream = client.stream()
    stream.write({
      modelName: 'fruits',
      inputs: [rpcBytes],
      rawInputContents: [joinElements([photo])],
    })
    const [{ inferResponse }] = (await once(stream, 'data')) as [StreamAnswer]
    stream.end()
    await once(stream, 'end')
    return inferResponse === undefined ? [] : probabilitiesOf(inferResponse)
  },
}

const ask = (way: string): Promise<readonly number[]> => WAYS[way]?.() ?? Promise.reject(way)

describe('a photo is answered the same', () => {
  test.each(Object.keys(WAYS))('as %s', async (way) => {
    expect(await ask(way)).toEqual(expected)
  })
})
