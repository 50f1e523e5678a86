/** Labels of models and versions on the command line and in its tables. */
import type { Labels } from '../registry/registry.ts'
import { parseKeyValues } from './parse-key-values.ts'
import { printable } from './printable.ts'

/** For commander: `--label a=b` as often as there are labels. */
export const collectLabels = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** What `--label` sets; `key=` takes a label away. Throws `usage_invalid`. */
export function changeLabels(before: Labels, given: readonly string[]): Labels {
  const changed = { ...before, ...parseKeyValues(given, '--label') }
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== ''))
}

/** `season=autumn, team=market`. */
export const sayLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${printable(value)}`)
    .join(', ')
