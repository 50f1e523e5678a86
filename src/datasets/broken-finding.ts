import type { VergerError } from '../core/errors.ts'
import type { Finding } from './findings.ts'

/** A photo or folder that cannot be read; `label` where one is known. */
export function brokenFinding(path: string, error: VergerError, label?: string): Finding {
  return {
    kind: 'broken',
    message: error.message,
    paths: [path],
    labels: label === undefined ? [] : [label],
    error: error.describe(),
  }
}
