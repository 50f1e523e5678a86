/**
 * Bodies of TensorFlow Serving's REST API → photos, with its own words where they do not fit
 * (https://github.com/tensorflow/serving/blob/master/tensorflow_serving/util/json_tensor.cc).
 */
import { describeSignatures, NAMED_LABELS } from '../../../bundles/signature.ts'
import { VergerError } from '../../../core/errors.ts'
import type { NamedPhoto } from '../../multipart.ts'
import { bytesOfValue } from '../../photo-values.ts'
import { showValue } from '../../show-value.ts'

export interface PredictBody {
  /** Whether photos came, and answers go, one after the other; else output by output. */
  readonly isRow: boolean
  readonly photos: readonly NamedPhoto[]
}

type Fields = Readonly<Record<string, unknown>>

/** Name of the signature that answers where none is named → its only input. */
const INPUTS: ReadonlyMap<string, string> = new Map(
  describeSignatures(NAMED_LABELS).map(({ name, inputs }) => [name, inputs[0]?.name ?? '']),
)
const [DEFAULT_SIGNATURE = ''] = INPUTS.keys()

/** The body of `:predict`. Throws `request_invalid`; what is wrong with the base64 of a photo is told when it is read. */
export function parsePredictBody(bytes: Uint8Array): PredictBody {
  const body = parseBody(bytes)
  const { instances, inputs } = body
  const named = signatureOf(body)
  if (instances !== undefined && inputs !== undefined) {
    throw invalid(
      `JSON Value: ${showValue(body)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist `,
    )
  }
  if (instances !== undefined) {
    if (!Array.isArray(instances)) {
      throw invalid(`JSON Value: ${showValue(body)} Excepting 'instances' to be an list/array`)
    }
    if (instances.length === 0) {
      throw invalid(`JSON Value: ${showValue(body)} No values in 'instances' array`)
    }
    return { isRow: true, photos: photosOfRows(instances, named) }
  }
  if (inputs === undefined) throw invalid("Missing 'inputs' or 'instances' key")
  return { isRow: false, photos: photosOfColumn(inputs, named) }
}

/** The body of `:classify`: one photo in the features of each example. Throws `request_invalid`. */
export function parseClassifyBody(bytes: Uint8Array): readonly NamedPhoto[] {
  const body = parseBody(bytes)
  signatureOf(body)
  const { context, examples } = body
  if (context !== undefined && !isFields(context)) throw notExample(context)
  if (examples === undefined) {
    throw invalid(
      `JSON Value: ${showValue(body)} When method is classify, key 'examples' is expected and was not found`,
    )
  }
  if (!Array.isArray(examples)) {
    throw invalid(`JSON Value: ${showValue(body)} Expecting 'examples' value to be an list/array`)
  }
  if (examples.length === 0) {
    throw invalid(`JSON Value: ${showValue(body)} 'examples' value is an empty array`)
  }
  return examples.map((example, index) => {
    if (!isFields(example)) throw notExample(example)
    const place = `examples[${index}]`
    const features = Object.entries(example).filter(([name]) => [...INPUTS.values()].includes(name))
    const [[name, feature] = ['', undefined]] = features
    if (features.length !== 1) {
      throw invalid(
        `Expected one of the features ${[...INPUTS.values()].join(' and ')} in ${place}, received ${Object.keys(example).join(', ') || 'none'}`,
      )
    }
    const [value, ...others] = Array.isArray(feature) ? feature : [feature]
    if (others.length > 0 || !isPhotoValue(value)) {
      throw invalid(
        `Feature: ${name} has element with unexpected JSON type: ${typeName(others.length > 0 ? feature : value)}`,
      )
    }
    return photoOf(value, place)
  })
}

function parseBody(bytes: Uint8Array): Fields {
  if (bytes.length === 0) throw invalid('JSON Parse error: The document is empty')
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`JSON Parse error: ${reason}`, error)
  }
  if (!isFields(body)) throw invalid(`JSON Value: ${showValue(body)} Is not object`)
  return body
}

/** The signature that a body names, if it does. */
function signatureOf(body: Fields): string | undefined {
  const { signature_name: name } = body
  if (name === undefined || name === '') return undefined
  if (typeof name !== 'string') {
    throw invalid(
      `JSON Value: ${showValue(body)} not formatted correctly. 'signature_name' key must be a string value.`,
    )
  }
  if (INPUTS.has(name)) return name
  throw invalid(
    `Serving signature name: ${JSON.stringify(name)} not found in signature def; expected ${[...INPUTS.keys()].join(' or ')}`,
  )
}

/** The input of the named signature; without a name, that of the signature whose input the keys are, so that both work. */
function inputOf(named: string | undefined, keys: readonly string[]): string {
  const signature =
    named ?? [...INPUTS.keys()].find((name) => keys.length === 1 && keys[0] === INPUTS.get(name))
  return INPUTS.get(signature ?? DEFAULT_SIGNATURE) ?? ''
}

function photosOfRows(rows: readonly unknown[], named: string | undefined): NamedPhoto[] {
  const [first] = rows
  const areObjects = isNamed(first)
  const input = inputOf(named, areObjects ? Object.keys(first) : [])
  return rows.map((row, index) => {
    if (isNamed(row) !== areObjects) {
      throw invalid(
        areObjects
          ? `Expecting object but got list at item ${index} of input list`
          : `Expecting value/list but got object at item ${index} of input list`,
      )
    }
    const value = isNamed(row) ? valueOfRow(row, index, input) : row
    if (isPhotoValue(value)) return photoOf(value, `instances[${index}]`)
    const key = areObjects ? ` key: ${input}` : ''
    throw invalid(
      `Failed to process element: ${index}${key} of 'instances' list. Error: INVALID_ARGUMENT: ${wrongType(value)}`,
    )
  })
}

function valueOfRow(row: Fields, index: number, input: string): unknown {
  for (const name of Object.keys(row)) {
    if (name === input) continue
    throw invalid(
      `Failed to process element: ${index} key: ${name} of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: ${name}; keys must be equal to: ${input}`,
    )
  }
  if (row[input] !== undefined) return row[input]
  throw invalid(
    `Failed to process element: ${index} of 'instances' list. JSON object: ${showValue(row)} keys must be equal to: ${input}`,
  )
}

function photosOfColumn(inputs: unknown, named: string | undefined): NamedPhoto[] {
  const input = inputOf(named, isNamed(inputs) ? Object.keys(inputs) : [])
  const column = isNamed(inputs) ? inputs[input] : inputs
  if (column === undefined) throw invalid(`Missing named input: ${input} in 'inputs' object.`)
  if (!Array.isArray(column)) {
    throw invalid(`Expected a list of photos in 'inputs', received ${showValue(column)}`)
  }
  if (column.length === 0) throw invalid(`Expected at least one photo in 'inputs', received none`)
  return column.map((value, index) => {
    if (isPhotoValue(value)) return photoOf(value, `inputs[${index}]`)
    throw invalid(wrongType(value))
  })
}

interface Base64Value {
  readonly b64: string
}

/** Decoded when its turn comes, so that a bad one is told by its place. */
function photoOf(value: string | Base64Value, place: string): NamedPhoto {
  if (typeof value === 'string') return { source: place, read: () => bytesOfValue(value, place) }
  return { source: place, read: () => bytesOfValue(bytesOfValue(value.b64, place), place) }
}

const isPhotoValue = (value: unknown): value is string | Base64Value =>
  typeof value === 'string' || isBase64Value(value)

/** An object whose only key is `b64` stands for bytes. */
const isBase64Value = (value: unknown): value is Base64Value =>
  isFields(value) && typeof value['b64'] === 'string' && Object.keys(value).length === 1

/** Whether a value names inputs. */
const isNamed = (value: unknown): value is Fields => isFields(value) && !isBase64Value(value)

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wrongType = (value: unknown): string =>
  `JSON Value: ${showValue(value)} Type: ${typeName(value)} is not of expected type: string`

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'Null'
  if (Array.isArray(value)) return 'Array'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  const name = typeof value
  return name.charAt(0).toUpperCase() + name.slice(1)
}

const notExample = (value: unknown): VergerError =>
  invalid(`Example must be JSON object but got JSON ${typeName(value)}`)

const invalid = (message: string, cause?: unknown): VergerError =>
  new VergerError('request_invalid', message, cause === undefined ? {} : { cause })
