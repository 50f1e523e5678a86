/**
 * `{"instances": […], "signature_name"?}` → photos. A photo travels as `{"b64": …}`, as base64 text, under the name of an
 * input, beside a `key` that comes back with its answer, or decoded as nested lists of levels.
 *
 * The words of errors follow those of the service, so that what searched for them still finds them.
 */
import { describeSignatures, NAMED_LABELS } from '../../../bundles/signature.ts'
import { VergerError } from '../../../core/errors.ts'
import type { Pixels } from '../../../images/decode.ts'
import { decodeBase64 } from '../../decode-base64.ts'
import type { NamedPhoto } from '../../multipart.ts'
import { bytesOfValue } from '../../photo-values.ts'
import { showValue } from '../../show-value.ts'
import { isObject } from './parse-message.ts'

/** Signatures of the SavedModels that Verger exports, with the name of their input. */
const SIGNATURES: ReadonlyMap<string, string> = new Map(
  describeSignatures(NAMED_LABELS).map(({ name, inputs }) => [name, inputs[0]?.name ?? '']),
)

export interface Instances {
  readonly photos: readonly NamedPhoto[]
  /** What came as `key` beside each photo; undefined where nothing did. */
  readonly keys: readonly unknown[]
}

/** Throws `request_invalid` or `no_photo`; a photo that is broken throws when it is read. */
export function parseInstances(body: unknown): Instances {
  const { instances, signature_name: signature = 'serving_default' } = unwrap(body)
  const input = SIGNATURES.get(String(signature))
  if (input === undefined) {
    throw invalid(
      `No signature found for signature key ${showValue(signature)}; there is ${[...SIGNATURES.keys()].join(', ')}`,
    )
  }
  if (!Array.isArray(instances)) {
    throw invalid(
      `Expected a JSON object with a list "instances", received ${instances === undefined ? 'none' : kindOf(instances)}`,
    )
  }
  if (instances.length === 0) {
    throw new VergerError('no_photo', 'Expected at least one instance, received none')
  }
  const read = instances.map((instance, index) =>
    parseInstance(instance, `instances[${index}]`, input),
  )
  return { photos: read.map(({ photo }) => photo), keys: read.map(({ key }) => key) }
}

/** Clients that follow the schema of the API, and not its documentation, wrap the body in `httpBody`. */
function unwrap(body: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(body)) {
    throw invalid(`Expected a JSON object with a list "instances", received ${kindOf(body)}`)
  }
  const { httpBody } = body
  if (httpBody === undefined) return body
  const data = isObject(httpBody) ? httpBody['data'] : undefined
  if (typeof data !== 'string') {
    throw invalid('Expected httpBody.data to be base64 text of the JSON body')
  }
  const text = Buffer.from(decodeBase64(data, 'httpBody.data')).toString()
  try {
    return unwrap(JSON.parse(text))
  } catch (cause) {
    if (cause instanceof VergerError) throw cause
    throw new VergerError('request_invalid', `Expected JSON in httpBody.data: ${String(cause)}`, {
      cause,
    })
  }
}

interface Instance {
  readonly photo: NamedPhoto
  readonly key: unknown
}

function parseInstance(instance: unknown, place: string, input: string): Instance {
  if (!isObject(instance) || isBinary(instance)) {
    return { photo: namedPhoto(instance, place), key: undefined }
  }
  const { key, ...inputs } = instance
  const [name, ...others] = Object.keys(inputs)
  if (name === undefined) {
    throw invalid(`Input ${input} was missing in at least one input instance (${place})`)
  }
  if (others.length > 0) {
    const expected = [...SIGNATURES.values()].find((each) => Object.hasOwn(inputs, each)) ?? name
    const unexpected = [name, ...others].filter((each) => each !== expected)
    throw invalid(
      `Unexpected tensor name: ${unexpected.join(', ')} in ${place}; expected one photo, and a key where it should come back`,
    )
  }
  return { photo: namedPhoto(inputs[name], `${place}.${name}`), key }
}

/** An object whose only name is `b64` stands for bytes. */
const isBinary = (value: unknown): value is { readonly b64: unknown } =>
  isObject(value) && Object.keys(value).length === 1 && Object.hasOwn(value, 'b64')

const namedPhoto = (value: unknown, place: string): NamedPhoto => ({
  source: place,
  read: () => readPhoto(value, place),
})

function readPhoto(value: unknown, place: string): Uint8Array | Pixels {
  const text = isBinary(value) ? value.b64 : value
  // An input that takes text is sent `{"b64": …}` of the text, which is encoded twice.
  if (typeof text === 'string') return bytesOfValue(bytesOfValue(text, place), place)
  if (Array.isArray(value)) return readPixels(value, place)
  throw invalid(
    `Expected base64 text, {"b64": "…"} or lists of pixels in ${place}, received ${kindOf(value)}`,
  )
}

/** `[height, width, 3]` or, for grey, `[height, width, 1]` or `[height, width]`: levels from 0 to 255. */
function readPixels(rows: readonly unknown[], place: string): Pixels {
  const height = rows.length
  const width = Array.isArray(rows[0]) ? rows[0].length : 0
  const lists = rows.map((row, y): readonly unknown[] => {
    if (Array.isArray(row) && row.length === width) return row
    throw invalid(
      `Expected ${width} pixels in each row of ${place}, received ${Array.isArray(row) ? row.length : kindOf(row)} in row ${y}`,
    )
  })
  const data = new Uint8Array(width * height * 3)
  let at = 0
  for (const [y, row] of lists.entries()) {
    for (const [x, pixel] of row.entries()) {
      const levels = Array.isArray(pixel) ? pixel : [pixel]
      if (levels.length !== 3 && levels.length !== 1) {
        throw invalid(
          `Expected 3 or 1 levels for each pixel of ${place}, received ${levels.length} at row ${y}, column ${x}`,
        )
      }
      for (let channel = 0; channel < 3; channel++) {
        const level = levels[levels.length === 1 ? 0 : channel]
        if (!Number.isInteger(level) || level < 0 || level > 255) {
          throw invalid(
            `Expected levels in ${place} to be whole numbers from 0 to 255, received ${showValue(level)} at row ${y}, column ${x}`,
          )
        }
        data[at++] = level
      }
    }
  }
  return { data, width, height }
}

const invalid = (message: string): VergerError => new VergerError('request_invalid', message)

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : typeof value
}
