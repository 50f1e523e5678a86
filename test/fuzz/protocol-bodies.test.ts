/** Bodies of foreign protocols that were damaged: read or refused with an error of ours, quickly. */
import { create, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { VergerError } from '../../src/core/errors.ts'
import { decode } from '../../src/server/grpc/define-service.ts'
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
} from '../../src/server/grpc/generated/inference_pb.ts'
import { readInferRequest } from '../../src/server/grpc/infer-messages.ts'
import { parseInferBody } from '../../src/server/open-inference/http-request.ts'
import { photosOfInputs } from '../../src/server/open-inference/input-photos.ts'
import { checkOutputs } from '../../src/server/open-inference/outputs.ts'
import { joinElements } from '../../src/server/open-inference/tensors.ts'
import {
  parseClassifyBody,
  parsePredictBody,
} from '../../src/server/routes/tensorflow-serving/request.ts'
import { mutateModel } from './mutate.ts'

/** The seeds are the same each time. */
const COUNT = 4000
const MAX_MS = 250
const limits = { requestPhotos: 16, photoPixels: 1e6 }
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3])
const text = JPEG.toString('base64')

interface Input {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

/** The head of a body with bytes behind it, and its length as the header says it. */
function binary(inputs: readonly Input[], tensors: readonly Uint8Array[]): Uint8Array {
  const head = JSON.stringify({
    id: 'a',
    inputs: inputs.map((input, index) => ({
      ...input,
      parameters: { binary_data_size: tensors[index]?.length },
    })),
    outputs: [{ name: 'scores', parameters: { classification: 2, binary_data: true } }],
  })
  return Buffer.concat([Buffer.from(`${head.length}\n${head}`), ...tensors])
}

/** What comes before the first line end is the header. */
function readInfer(body: Uint8Array): void {
  const at = body.indexOf(0x0a)
  const header = Buffer.from(body.subarray(0, Math.max(0, at))).toString('latin1')
  const { inputs, outputs } = parseInferBody(body.subarray(at + 1), header)
  checkOutputs(outputs)
  for (const photo of photosOfInputs(inputs, limits)) photo.read()
}

const bytesInput = { name: 'image_bytes', datatype: 'BYTES', shape: [2] }
const pixelInput = (datatype: string) => ({ name: 'image', datatype, shape: [1, 2, 3, 3] })
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

const message = (values: Parameters<typeof create<typeof ModelInferRequestSchema>>[1]) =>
  toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, values))

const rpc = { ...bytesInput, shape: [2n] }

const TARGETS: readonly (readonly [string, readonly Uint8Array[], (body: Uint8Array) => void])[] = [
  [
    'infer requests over HTTP',
    [
      binary([bytesInput], [joinElements([JPEG, JPEG])]),
      binary([pixelInput('UINT8')], [new Uint8Array(18)]),
      binary([pixelInput('FP64')], [new Uint8Array(144)]),
      Buffer.concat([Buffer.from('\n'), json({ inputs: [{ ...bytesInput, data: [text, text] }] })]),
      Buffer.from(
        `73\n${JSON.stringify({ inputs: [{ ...pixelInput('INT64'), data: [[[[1, 2]]]] }] })}`,
      ),
    ],
    readInfer,
  ],
  [
    'infer requests over gRPC',
    [
      message({ modelName: 'a', inputs: [rpc], rawInputContents: [joinElements([JPEG, JPEG])] }),
      message({ modelName: 'a', inputs: [{ ...rpc, contents: { bytesContents: [JPEG, JPEG] } }] }),
      message({
        inputs: [
          {
            name: 'image',
            datatype: 'FP32',
            shape: [1n, 1n, 1n, 3n],
            contents: { fp32Contents: [1, 2, 3] },
          },
        ],
        outputs: [
          {
            name: 'scores',
            parameters: { classification: { parameterChoice: { case: 'int64Param', value: 3n } } },
          },
        ],
      }),
    ],
    (bytes) => {
      const { inputs, outputs } = readInferRequest(
        decode({ schema: ModelInferRequestSchema, bytes }) as ModelInferRequest,
      )
      checkOutputs(outputs)
      for (const photo of photosOfInputs(inputs, limits)) photo.read()
    },
  ],
  [
    'predictions of TensorFlow Serving',
    [
      json({ instances: [text, { b64: text }], signature_name: 'serving_default' }),
      json({ instances: [{ image_bytes: { b64: text } }, { image_bytes: text }] }),
      json({ inputs: { image_base64: [text] } }),
    ],
    (body) => {
      for (const photo of parsePredictBody(body).photos) photo.read()
    },
  ],
  [
    'classifications of TensorFlow Serving',
    [json({ examples: [{ image_bytes: { b64: text } }, { image_base64: [text] }], context: {} })],
    (body) => {
      for (const photo of parseClassifyBody(body)) photo.read()
    },
  ],
]

describe('damaged bodies', () => {
  test.each(TARGETS)('of %s are read or refused', (_what, bodies, read) => {
    const findings: string[] = []
    let refused = 0
    for (let seed = 0; seed < COUNT; seed++) {
      const original = bodies[seed % bodies.length] ?? new Uint8Array()
      const damaged = mutateModel({ '': original }, seed, bodies)[''] ?? new Uint8Array()
      const startMs = performance.now()
      try {
        read(damaged)
      } catch (error) {
        refused++
        if (!(error instanceof VergerError)) findings.push(`seed ${seed}: ${String(error)}`)
        else if (error.message.length > 1000)
          findings.push(`seed ${seed}: a message of ${error.message.length}`)
      }
      const tookMs = performance.now() - startMs
      if (tookMs > MAX_MS) findings.push(`seed ${seed}: ${tookMs} ms`)
    }
    expect(findings).toEqual([])
    expect(refused).toBeGreaterThan(COUNT / 10)
    for (const body of bodies.slice(0, 3)) expect(() => read(body)).not.toThrow()
  })
})
