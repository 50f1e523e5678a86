import { VergerError } from '../core/errors.ts'
import { parseVersionPath } from '../registry/names.ts'

/** `fruits/v1`. Throws `usage_invalid` where only the model is named, and `name_invalid`. */
export function requireVersionPath(path: string): {
  readonly model: string
  readonly version: string
} {
  const { model, version } = parseVersionPath(path)
  if (version !== undefined) return { model, version }
  throw new VergerError('usage_invalid', `Expected MODEL/VERSION, received ${path}`, {
    hint: `verger versions list ${model}`,
  })
}
