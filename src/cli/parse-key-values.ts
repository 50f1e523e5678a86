import { VergerError } from '../core/errors.ts'

/** `['team=fruit']` → `{ team: 'fruit' }`. Throws `usage_invalid` naming the option and what has no `=`. */
export function parseKeyValues(
  values: readonly string[],
  option: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=')
      if (equals > 0) return [value.slice(0, equals), value.slice(equals + 1)]
      throw new VergerError('usage_invalid', `Expected ${option} key=value, received ${value}`, {
        hint: `For example: ${option} team=fruit. The names of the classes are --labels.`,
      })
    }),
  )
}
