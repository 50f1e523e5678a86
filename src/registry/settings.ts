/** What people and protocols say about a model or version, as the registry keeps it. */
import { VergerError } from '../core/errors.ts'
import type { Annotations, Labels, ModelSettings } from './registry.ts'

const MAX_DESCRIPTION_LENGTH = 100_000
/** As many as CloudML allows; its keys and values have at most 63 characters too. */
const MAX_LABELS = 64
const LABEL_KEY = /^[a-z][a-z0-9_./-]{0,62}$/i
const MAX_LABEL_LENGTH = 63
const MAX_ANNOTATIONS_LENGTH = 256 * 1024

/** PostgreSQL keeps no NUL, and nobody can read it. */
const NUL = '\0'
const CONTROL = /\p{Cc}/u

/** Throws `settings_invalid` naming every fault. */
export function checkSettings(settings: ModelSettings): void {
  const { description = '', keepCorrectionsDays = null, labels = {}, annotations = {} } = settings
  const faults = [...labelFaults(labels)]
  if (description.length > MAX_DESCRIPTION_LENGTH) {
    faults.push(
      `a description of at most ${MAX_DESCRIPTION_LENGTH} characters, received ${description.length}`,
    )
  }
  if (description.includes(NUL)) faults.push('a description without the character NUL')
  if (keepCorrectionsDays !== null && !isWholeAboveZero(keepCorrectionsDays)) {
    faults.push(`a whole number of days above 0, received ${keepCorrectionsDays}`)
  }
  const kept = JSON.stringify(annotations)
  if (kept.length > MAX_ANNOTATIONS_LENGTH) {
    faults.push(
      `annotations of at most ${MAX_ANNOTATIONS_LENGTH} bytes as JSON, received ${kept.length}`,
    )
  }
  if (faults.length > 0) {
    throw new VergerError('settings_invalid', `Expected ${faults.join('; ')}`, {
      details: { faults },
    })
  }
}

function labelFaults(labels: Labels): string[] {
  const faults: string[] = []
  const entries = Object.entries(labels)
  if (entries.length > MAX_LABELS) {
    faults.push(`at most ${MAX_LABELS} labels, received ${entries.length}`)
  }
  for (const [key, value] of entries) {
    if (!LABEL_KEY.test(key)) {
      faults.push(
        `a name of a label that starts with a letter and has only letters, digits, and _ - . /, at most 63, received ${JSON.stringify(key)}`,
      )
    }
    if (typeof value !== 'string' || value.length > MAX_LABEL_LENGTH || CONTROL.test(value)) {
      faults.push(
        `a text of at most ${MAX_LABEL_LENGTH} visible characters for the label ${JSON.stringify(key)}, received ${JSON.stringify(value)}`,
      )
    }
  }
  return faults
}

const isWholeAboveZero = (value: number): boolean => Number.isSafeInteger(value) && value > 0

/** Those of one protocol in place of its own before, beside those of the others; null takes them away. */
export function mergeAnnotations(before: Annotations, changes: Annotations = {}): Annotations {
  const merged = Object.entries({ ...before, ...changes })
  return Object.fromEntries(merged.filter(([, value]) => value !== null && value !== undefined))
}

/** Throws `etag_mismatch` where another etag stands than was expected. */
export function requireMatch(what: string, etag: string, expected: string | undefined): void {
  if (expected === undefined || expected === etag) return
  throw new VergerError(
    'etag_mismatch',
    `Expected the ${what} to have the etag ${JSON.stringify(expected)}, it has ${JSON.stringify(etag)}`,
    {
      hint: 'Read it again and decide anew: somebody changed it since.',
      details: { etag, expected },
    },
  )
}

/** The JSON object of a column that this program has written. */
export const parseObject = <Value>(json: string): Readonly<Record<string, Value>> =>
  JSON.parse(json)
