/**
 * The body of an infer request over HTTP: JSON, or JSON with the bytes of tensors behind it
 * (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).
 */
import { VergerError } from '../../core/errors.ts'
import { showValue } from '../show-value.ts'
import type { InferRequest, InputTensor, RequestedOutput } from './infer-request.ts'

export type InferBody = Pick<InferRequest, 'id' | 'inputs' | 'outputs'> & {
  /** Whether outputs are bytes where the request names none. */
  readonly isBinary: boolean
}

/** Name of the header that says how many bytes of a body are JSON. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length'

type Fields = Readonly<Record<string, unknown>>

/** `jsonLength` is the value of the header. Throws `request_invalid` with all faults of the JSON. */
export function parseInferBody(body: Uint8Array, jsonLength: string | undefined): InferBody {
  const length = jsonLength === undefined ? body.length : parseLength(jsonLength, body.length)
  const head = parseJson(body.subarray(0, length))
  const faults: string[] = []
  const rest = createReader(body.subarray(length))

  const { id = '', parameters = {}, inputs, outputs } = head
  if (typeof id !== 'string') faults.push(`id must be text, received ${showValue(id)}`)
  const isBinary = flagOf(parameters, 'binary_data_output', 'parameters', faults) ?? false
  const readInputs = listOf(inputs, 'inputs', faults).map((each, index) =>
    readInput(each, `inputs[${index}]`, rest, faults),
  )
  if (inputs === undefined) faults.push('inputs is missing')
  const readOutputs =
    outputs === undefined
      ? undefined
      : listOf(outputs, 'outputs', faults).map((each, index) =>
          readOutput(each, `outputs[${index}]`, isBinary, faults),
        )
  if (faults.length === 0 && rest.left > 0) {
    faults.push(`${rest.left} bytes are left behind the tensors that the JSON names`)
  }
  if (faults.length > 0) {
    throw new VergerError('request_invalid', `Expected an infer request: ${faults.join('; ')}`)
  }
  return {
    id: String(id),
    inputs: readInputs,
    isBinary,
    ...(readOutputs === undefined || readOutputs.length === 0 ? {} : { outputs: readOutputs }),
  }
}

function parseLength(text: string, available: number): number {
  const length = Number(text)
  if (/^\d+$/.test(text) && length <= available) return length
  throw new VergerError(
    'request_invalid',
    `Expected Inference-Header-Content-Length to be at most the ${available} bytes of the body, received ${JSON.stringify(text.slice(0, 40))}`,
  )
}

function parseJson(bytes: Uint8Array): Fields {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new VergerError('request_invalid', `Expected JSON: ${reason}`, {
      hint: 'Where bytes follow the JSON, Inference-Header-Content-Length says how long the JSON is.',
      cause: error,
    })
  }
  if (isFields(value)) return value
  throw new VergerError('request_invalid', `Expected a JSON object, received ${showValue(value)}`)
}

/** Takes the bytes of one tensor after the other; undefined where there are not so many. */
function createReader(bytes: Uint8Array) {
  let at = 0
  return {
    get left() {
      return bytes.length - at
    },
    take(sizeBytes: number): Uint8Array | undefined {
      if (sizeBytes > bytes.length - at) return undefined
      at += sizeBytes
      return bytes.subarray(at - sizeBytes, at)
    },
  }
}

const NO_INPUT: InputTensor = { name: '', datatype: '', shape: [], contents: [] }

function readInput(
  value: unknown,
  place: string,
  rest: ReturnType<typeof createReader>,
  faults: string[],
): InputTensor {
  if (!isFields(value)) {
    faults.push(`${place} must be an object, received ${showValue(value)}`)
    return NO_INPUT
  }
  const { name, datatype, shape, data, parameters = {} } = value
  if (typeof name !== 'string')
    faults.push(`${place}.name must be text, received ${showValue(name)}`)
  if (typeof datatype !== 'string')
    faults.push(`${place}.datatype must be text, received ${showValue(datatype)}`)
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size))
  if (!isShape)
    faults.push(`${place}.shape must be a list of whole numbers, received ${showValue(shape)}`)
  if (isFields(parameters) && parameters['shared_memory_region'] !== undefined) {
    faults.push(`${place} must come with the request: Verger shares no memory with its clients`)
  }
  const sizeBytes = sizeOf(parameters, place, faults)
  const bytes = sizeBytes === undefined ? undefined : rest.take(sizeBytes)
  if (sizeBytes !== undefined && bytes === undefined) {
    faults.push(
      `${place}.parameters.binary_data_size is ${sizeBytes}, and ${rest.left} bytes are left behind the JSON`,
    )
  }
  if ((data === undefined) === (sizeBytes === undefined)) {
    faults.push(`${place} must have either data or parameters.binary_data_size`)
  } else if (sizeBytes === undefined && !Array.isArray(data)) {
    faults.push(`${place}.data must be a list, received ${showValue(data)}`)
  }
  return {
    name: String(name),
    datatype: String(datatype),
    shape: isShape ? shape : [],
    contents: bytes ?? (Array.isArray(data) ? data : []),
  }
}

function sizeOf(parameters: unknown, place: string, faults: string[]): number | undefined {
  if (!isFields(parameters)) {
    faults.push(`${place}.parameters must be an object, received ${showValue(parameters)}`)
    return undefined
  }
  const size = parameters['binary_data_size']
  if (size === undefined) return undefined
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size
  faults.push(
    `${place}.parameters.binary_data_size must be a whole number from 0 on, received ${showValue(size)}`,
  )
  return undefined
}

function readOutput(
  value: unknown,
  place: string,
  isBinaryByDefault: boolean,
  faults: string[],
): RequestedOutput {
  if (!isFields(value) || typeof value['name'] !== 'string') {
    faults.push(`${place} must be an object with a name, received ${showValue(value)}`)
    return { name: '', isBinary: false }
  }
  const { name, parameters = {} } = value
  const isBinary =
    flagOf(parameters, 'binary_data', `${place}.parameters`, faults) ?? isBinaryByDefault
  const classes = isFields(parameters) ? parameters['classification'] : undefined
  if (isFields(parameters) && parameters['shared_memory_region'] !== undefined) {
    faults.push(`${place} must go with the answer: Verger shares no memory with its clients`)
  }
  if (classes === undefined) return { name: String(name), isBinary }
  if (typeof classes !== 'number' || !Number.isSafeInteger(classes) || classes < 1) {
    faults.push(
      `${place}.parameters.classification must be a whole number from 1 on, received ${showValue(classes)}`,
    )
  }
  return { name: String(name), isBinary, classes: Number(classes) }
}

function flagOf(
  parameters: unknown,
  name: string,
  place: string,
  faults: string[],
): boolean | undefined {
  if (!isFields(parameters)) {
    faults.push(`${place} must be an object, received ${showValue(parameters)}`)
    return undefined
  }
  const flag = parameters[name]
  if (flag === undefined || typeof flag === 'boolean') return flag
  faults.push(`${place}.${name} must be true or false, received ${showValue(flag)}`)
  return undefined
}

function listOf(value: unknown, place: string, faults: string[]): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value !== undefined) faults.push(`${place} must be a list, received ${showValue(value)}`)
  return []
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
