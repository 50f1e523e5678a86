/**
 * Filters of lists, in the part of the grammar that clients use: comparisons joined by AND, OR, NOT and parentheses, such
 * as `resource.type="cloudml_job" AND timestamp>="2026-01-01T00:00:00Z"` and `jobId:census* AND state:FAILED`
 * (https://google.aip.dev/160, https://cloud.google.com/logging/docs/view/logging-query-language).
 */
import { showValue } from '../../show-value.ts'
import { fieldError } from './cloud-error.ts'
import { camelCase } from './field-names.ts'
import { isObject } from './parse-message.ts'

/** Whether a resource, in its form on the wire, is wanted. */
export type Filter = (resource: unknown) => boolean

const TOKEN = /\s*(?:(\()|(\))|(!=|<=|>=|=~|!~|[=<>:])|"((?:[^"\\]|\\.)*)"|([^\s()=!<>:"]+)|(-))/y

interface Token {
  readonly kind: 'open' | 'close' | 'operator' | 'quoted' | 'word'
  readonly text: string
}

/** Nesting beyond this is nobody's question. */
const MAX_DEPTH = 50

/** Parses a filter; an empty one wants everything. Throws `request_invalid` with the place that it cannot read. */
export function parseFilter(text: string | undefined): Filter {
  const tokens = text === undefined ? [] : tokenize(text)
  if (tokens.length === 0) return () => true
  let at = 0
  const refuse = (expected: string) => {
    const found = tokens[at]?.text
    return fieldError(
      'filter',
      `Expected ${expected}, received ${found === undefined ? 'the end' : JSON.stringify(found)} in ${showValue(text)}`,
    )
  }
  const takeWord = (word: string): boolean => {
    const token = tokens[at]
    if (token?.kind !== 'word' || token.text !== word) return false
    at++
    return true
  }

  function readAny(depth: number): Filter {
    const parts = [readAll(depth)]
    while (takeWord('OR')) parts.push(readAll(depth))
    return (resource) => parts.some((part) => part(resource))
  }

  function readAll(depth: number): Filter {
    const parts = [readNot(depth)]
    // Two comparisons side by side are joined by AND.
    while (takeWord('AND') || startsComparison()) parts.push(readNot(depth))
    return (resource) => parts.every((part) => part(resource))
  }

  const startsComparison = (): boolean => {
    const token = tokens[at]
    return token?.kind === 'open' || (token?.kind === 'word' && token.text !== 'OR')
  }

  function readNot(depth: number): Filter {
    if (depth > MAX_DEPTH) throw refuse(`at most ${MAX_DEPTH} levels of parentheses`)
    if (takeWord('NOT')) {
      const inner = readNot(depth + 1)
      return (resource) => !inner(resource)
    }
    if (tokens[at]?.kind !== 'open') return readComparison()
    at++
    const inner = readAny(depth + 1)
    if (tokens[at]?.kind !== 'close') throw refuse('a closing parenthesis')
    at++
    return inner
  }

  function readComparison(): Filter {
    const path = tokens[at]
    if (path?.kind !== 'word') throw refuse('the name of a field')
    at++
    const operator = tokens[at]
    if (operator?.kind !== 'operator') throw refuse('one of = != < <= > >= :')
    const compare = COMPARISONS[operator.text]
    if (compare === undefined) throw refuse('one of = != < <= > >= :')
    at++
    const value = tokens[at]
    if (value?.kind !== 'word' && value?.kind !== 'quoted') throw refuse('a value')
    at++
    return (resource) => compare(textAt(resource, path.text), value.text)
  }

  const filter = readAny(0)
  if (at < tokens.length) throw refuse('AND, OR or the end')
  return filter
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) {
      throw fieldError(
        'filter',
        `Expected comparisons such as name="v1", received ${showValue(text.slice(start, end))}`,
      )
    }
    const [, open, close, operator, quoted, word, minus] = match
    if (open) tokens.push({ kind: 'open', text: open })
    else if (close) tokens.push({ kind: 'close', text: close })
    else if (operator) tokens.push({ kind: 'operator', text: operator })
    else if (quoted !== undefined) {
      tokens.push({ kind: 'quoted', text: quoted.replace(/\\(.)/g, '$1') })
    } else tokens.push({ kind: 'word', text: word ?? minus ?? '' })
  }
  return tokens
}

type Comparison = (held: string | undefined, wanted: string) => boolean

const ordered =
  (accept: (sign: number) => boolean): Comparison =>
  (held, wanted) =>
    held !== undefined && accept(order(held, wanted))

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': (held, wanted) => held !== undefined && like(held, wanted),
  '!=': (held, wanted) => held === undefined || !like(held, wanted),
  // `has`: a part of the text, or its beginning where the value ends with a star.
  ':': (held, wanted) =>
    held !== undefined && (wanted.includes('*') ? like(held, wanted) : held.includes(wanted)),
  '<': ordered((sign) => sign < 0),
  '<=': ordered((sign) => sign <= 0),
  '>': ordered((sign) => sign > 0),
  '>=': ordered((sign) => sign >= 0),
}

/** Numbers and times by their value, everything else by its letters. */
function order(held: string, wanted: string): number {
  const times = [held, wanted].map(timeOf)
  const [left, right] = times
  if (left !== undefined && right !== undefined) return left - right
  const difference = Number(held) - Number(wanted)
  return Number.isNaN(difference) ? (held < wanted ? -1 : held > wanted ? 1 : 0) : difference
}

/** Milliseconds of an RFC 3339 time. */
function timeOf(text: string): number | undefined {
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Equal, or equal up to a star at the end. */
const like = (held: string, wanted: string): boolean =>
  wanted.endsWith('*') ? held.startsWith(wanted.slice(0, -1)) : held === wanted

/** What a resource holds at `resource.labels.job_id`, as text. */
function textAt(resource: unknown, path: string): string | undefined {
  let value: unknown = resource
  for (const name of path.split('.')) {
    if (!isObject(value)) return undefined
    value = value[name] ?? value[camelCase(name)]
  }
  return value === undefined || value === null || typeof value === 'object'
    ? undefined
    : String(value)
}
