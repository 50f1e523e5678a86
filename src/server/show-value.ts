/** How much of a received value is repeated in a message. */
const CHARACTERS = 100
const MEMBERS = 8
const LEVELS = 3

/** The start of a value that somebody sent, as JSON: enough to recognise it, however long or deep it is. */
export function showValue(value: unknown): string {
  return show(value, LEVELS).slice(0, CHARACTERS)
}

function show(value: unknown, levels: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, CHARACTERS))
  if (value === undefined) return 'nothing'
  if (typeof value !== 'object' || value === null) return String(value)
  const isList = Array.isArray(value)
  const entries = Object.entries(value).slice(0, MEMBERS + 1)
  if (levels === 0 && entries.length > 0) return isList ? '[…]' : '{…}'
  const members = entries
    .slice(0, MEMBERS)
    .map(([name, each]) => `${isList ? '' : `${JSON.stringify(name)}:`}${show(each, levels - 1)}`)
  if (entries.length > MEMBERS) members.push('…')
  return isList ? `[${members.join(',')}]` : `{${members.join(',')}}`
}
