/** `fields=models(name,labels/owner),nextPageToken`: the part of an answer that a client wants. */
import { showValue } from '../../show-value.ts'
import { fieldError } from './cloud-error.ts'
import { camelCase } from './field-names.ts'
import { isObject } from './parse-message.ts'

/** Name → what is wanted below it; `*` stands for every name, and an empty selection for all that is there. */
interface Selection extends ReadonlyMap<string, Selection> {}

/** Leaves of `answer` what `fields` selects. Throws `request_invalid` for a selector that cannot be read. */
export function selectFields(answer: unknown, fields: string | undefined): unknown {
  if (fields === undefined || fields.trim() === '') return answer
  return select(answer, parseSelector(fields))
}

function select(value: unknown, selection: Selection): unknown {
  if (selection.size === 0) return value
  if (Array.isArray(value)) return value.map((each) => select(each, selection))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, content]) => {
      const below = selection.get(name) ?? selection.get('*')
      return below === undefined ? [] : [[name, select(content, below)]]
    }),
  )
}

type Mutable = Map<string, Mutable>

/** No answer is nested deeper than this. */
const MAX_DEPTH = 20

function parseSelector(text: string): Selection {
  const tokens = text.replace(/\s+/g, '').match(/[^,/()]+|[,/()]/g) ?? []
  let at = 0
  const refuse = () =>
    fieldError('fields', `Expected names with , / and ( ), received ${showValue(text)}`)

  function readList(into: Mutable, depth: number): void {
    if (depth > MAX_DEPTH) throw refuse()
    do readPath(into, depth)
    while (tokens[at] === ',' && ++at > 0)
  }

  function readPath(into: Mutable, depth: number): void {
    if (depth > MAX_DEPTH) throw refuse()
    const name = tokens[at++]
    if (name === undefined || /[,/()]/.test(name)) throw refuse()
    const key = camelCase(name)
    const below: Mutable = into.get(key) ?? new Map()
    into.set(key, below)
    if (tokens[at] === '/') {
      at++
      readPath(below, depth + 1)
    } else if (tokens[at] === '(') {
      at++
      readList(below, depth + 1)
      if (tokens[at++] !== ')') throw refuse()
    }
  }

  const selection: Mutable = new Map()
  readList(selection, 0)
  if (at < tokens.length) throw refuse()
  return selection
}
