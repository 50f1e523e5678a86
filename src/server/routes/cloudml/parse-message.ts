/**
 * A JSON body → a message of the table, with names in camel case. Names in snake case are taken as well, and what only the
 * service sets is dropped (https://protobuf.dev/programming-guides/json/).
 */
import { showValue } from '../../show-value.ts'
import { bodyError } from './cloud-error.ts'
import { camelCase, snakeCase } from './field-names.ts'
import type { Field } from './messages/message.ts'
import { messageOf } from './messages.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

interface Fault {
  readonly field: string
  readonly description: string
}

/**
 * Reads `body` as the message `name`; an absent body is an empty message.
 *
 * @param place - what errors call the message, such as `model`
 *
 * Throws `request_invalid` with all faults.
 */
export function parseMessage(name: string, body: unknown, place: string): JsonObject {
  const faults: Fault[] = []
  const message = readMessage(name, body ?? {}, place, faults)
  if (faults.length > 0) throw bodyError(faults)
  return message
}

function readMessage(name: string, value: unknown, place: string, faults: Fault[]): JsonObject {
  if (!isObject(value)) {
    faults.push(invalid(place, 'an object', value))
    return {}
  }
  const { fields } = messageOf(name)
  const read: [string, Json][] = []
  for (const [given, content] of Object.entries(value)) {
    const key = Object.hasOwn(fields, given) ? given : camelCase(given)
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field === undefined) {
      const description = `Invalid JSON payload received. Unknown name "${given}" at '${place}': Cannot find field.`
      faults.push({ field: place, description })
    } else if (content !== null && field.isOutput !== true) {
      read.push([key, readField(field, content, `${place}.${snakeCase(key)}`, faults)])
    }
  }
  return Object.fromEntries(read)
}

function readField(field: Field, value: unknown, place: string, faults: Fault[]): Json {
  switch (field.shape) {
    case 'list':
      if (Array.isArray(value)) {
        return value.map((each, index) => readValue(field, each, `${place}[${index}]`, faults))
      }
      faults.push(invalid(place, 'a list', value))
      return []
    case 'map':
      if (isObject(value)) {
        return Object.fromEntries(
          Object.entries(value).map(([key, each]) => [
            key,
            readValue(field, each, `${place}[${key}]`, faults),
          ]),
        )
      }
      faults.push(invalid(place, 'an object', value))
      return {}
    default:
      return readValue(field, value, place, faults)
  }
}

const INT32_MAX = 2 ** 31 - 1

function readValue({ type }: Field, value: unknown, place: string, faults: Fault[]): Json {
  const refuse = (expected: string): Json => {
    faults.push(invalid(place, expected, value))
    return null
  }
  if (typeof type === 'object' && 'message' in type) {
    return readMessage(type.message, value, place, faults)
  }
  if (typeof type === 'object') {
    return typeof value === 'string' && type.includes(value) ? value : refuse(type.join(', '))
  }
  switch (type) {
    case 'any':
      return value as Json
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse('TYPE_BOOL')
    case 'double':
      return typeof value === 'number' ? value : refuse('TYPE_DOUBLE')
    case 'int32': {
      const number = Number(value)
      const isWhole = isNumeric(value) && Number.isInteger(number) && Math.abs(number) <= INT32_MAX
      return isWhole ? number : refuse('TYPE_INT32')
    }
    case 'int64':
      // A text on the wire, since JSON numbers are not exact from 2^53 on.
      return isNumeric(value) && /^-?\d{1,19}$/.test(String(value))
        ? String(value)
        : refuse('TYPE_INT64')
    case 'bytes':
      return typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value)
        ? value
        : refuse('TYPE_BYTES, in base64')
    default:
      return typeof value === 'string' ? value : refuse('TYPE_STRING')
  }
}

const isNumeric = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function invalid(field: string, expected: string, value: unknown): Fault {
  return { field, description: `Invalid value at '${field}' (${expected}), ${showValue(value)}` }
}
