/** Which fields an update changes: `updateMask=description,autoScaling.minNodes` (google.protobuf.FieldMask). */
import { fieldError } from './cloud-error.ts'
import { camelCase, snakeCase } from './field-names.ts'
import { isObject, type Json, type JsonObject } from './parse-message.ts'

/**
 * Gives the paths of a mask in camel case. Throws where there is none, and where it names what cannot be changed.
 *
 * @param kind - what errors call the resource, such as `model`
 */
export function parseUpdateMask(
  text: string | undefined,
  changeable: readonly string[],
  kind: string,
): readonly string[] {
  const paths = (text ?? '')
    .split(',')
    .map((path) => camelCase(path.trim()))
    .filter((path) => path !== '')
  const known = changeable.map(maskPath).join(', ')
  if (paths.length === 0) {
    throw fieldError(
      'update_mask',
      `Expected fields to change, received none; ${kind} has ${known}`,
    )
  }
  const unknown = paths.filter((path) => !changeable.includes(path))
  if (unknown.length > 0) {
    throw fieldError(
      'update_mask',
      `Expected fields of ${kind} that can be changed (${known}), received ${unknown.map(maskPath).join(', ')}`,
    )
  }
  return paths
}

const maskPath = (path: string): string => snakeCase(path)

/** What a message holds at `autoScaling.minNodes`; undefined where it holds nothing, which clears the field. */
export function valueAt(message: JsonObject, path: string): Json | undefined {
  let value: unknown = message
  for (const name of path.split('.')) value = isObject(value) ? value[name] : undefined
  return value as Json | undefined
}

/** `message` with another value at a path; undefined takes the field away. */
export function withValueAt(
  message: JsonObject,
  [name = '', ...rest]: readonly string[],
  value: Json | undefined,
): JsonObject {
  const { [name]: before, ...others } = message
  if (rest.length === 0) return value === undefined ? others : { ...others, [name]: value }
  const inner = isObject(before) ? (before as JsonObject) : {}
  return { ...others, [name]: withValueAt(inner, rest, value) }
}
