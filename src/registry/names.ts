/** Names of models and versions, and what is close to a name that does not exist. */
import { VergerError } from '../core/errors.ts'

/** The rule of CloudML, and `-`, which addresses and folders take as well. */
const NAME = /^[a-z][a-z0-9_-]{0,127}$/i

const EXAMPLES = { model: 'fruits', version: 'v1', token: 'scales' } as const

/** Throws `name_invalid`. */
export function requireName(kind: 'model' | 'version' | 'token', name: string): void {
  if (NAME.test(name)) return
  throw new VergerError(
    'name_invalid',
    `Expected the name of a ${kind} to start with a letter and to have only letters, digits, _ and -, at most 128, received ${JSON.stringify(name)}`,
    { hint: `For example: ${EXAMPLES[kind]}` },
  )
}

/** Edits between two names that still count as a slip of the hand. */
const MAX_EDITS = 3

/** The name most like `wanted`, or undefined where none is close. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined
  for (const name of names) {
    const edits = countEdits(wanted.toLowerCase(), name.toLowerCase())
    if (best === undefined || edits < best.edits) best = { name, edits }
  }
  const limit = Math.min(MAX_EDITS, Math.ceil(wanted.length / 2))
  return best !== undefined && best.edits <= limit ? best.name : undefined
}

/** Letters to insert, delete or replace to make one text of the other (Levenshtein 1966). */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (let column = 0; column < to.length; column++) {
      const replaced = (row[column] ?? 0) + (letter === to[column] ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

export interface VersionPath {
  readonly model: string
  /** Absent where only the model is named. */
  readonly version?: string
}

/** `fruits/v1` or `fruits`. Throws `name_invalid`. */
export function parseVersionPath(text: string): VersionPath {
  const slash = text.indexOf('/')
  const model = slash < 0 ? text : text.slice(0, slash)
  requireName('model', model)
  if (slash < 0) return { model }
  const version = text.slice(slash + 1)
  requireName('version', version)
  return { model, version }
}
