/**
 * What graphs do to a photo before their network: decode, resize, scale. It is followed here and not computed: Verger's own
 * preprocessing stands in its place.
 */
import { DATA_TYPES } from '../../../tensor/tensorflow-types.ts'
import type { Call } from './evaluate.ts'
import { joinValues } from './join-values.ts'
import { ON_BYTES } from './photo-bytes.ts'
import { unknown } from './photo-call.ts'
import { ON_PIXELS } from './photo-pixels.ts'
import type { Reading } from './reading.ts'
import type { Value } from './value.ts'

/** Follows an operator that reads a photo; nothing where it is none that comes before a network. */
export function followPhoto(call: Call, reading: Reading): Value | undefined {
  const { op } = call.node
  const photo = call.inputs.find((input) => input.kind === 'photo')
  if (photo === undefined) return undefined
  if (UNKNOWN_ANSWERS.has(op)) return unknown(DATA_TYPES.bool)
  if (SELECTIONS.has(op)) return joinValues(call.inputs.slice(1), call)
  const table = photo.stage === 'encoded' ? ON_BYTES : ON_PIXELS
  const operator = Object.hasOwn(table, op) ? table[op] : undefined
  return operator?.({ ...call, photo, reading })
}

/** Questions whose answer depends on the photo. */
const UNKNOWN_ANSWERS: ReadonlySet<string> = new Set([
  'Equal',
  'NotEqual',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'IsJpeg',
  'RegexFullMatch',
  'StaticRegexFullMatch',
  'StringLength',
])

const SELECTIONS: ReadonlySet<string> = new Set(['Select', 'SelectV2'])
