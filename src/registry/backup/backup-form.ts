/**
 * A backup is a folder, or a tar of the same files:
 *
 *   blobs/ab/cdef…     every blob that something refers to
 *   registry.ndjson    a line for each row, then one for each blob: `{"table", "row"}`, `{"blob", "sizeBytes"}`
 *   backup.json        what it is and the hash of registry.ndjson; written last
 *
 * The rows are those of both databases, so that either can be restored from the other.
 */
import { VergerError } from '../../core/errors.ts'
import type { Dialect } from '../../store/migrations/column-types.ts'

export const BACKUP_FORMAT = 1
export const MANIFEST_FILE = 'backup.json'
export const REGISTRY_FILE = 'registry.ndjson'

export interface BackupManifest {
  readonly format: typeof BACKUP_FORMAT
  /** Version of Verger that wrote it. */
  readonly verger: string
  /** ISO 8601; the moment whose registry it holds. */
  readonly createdAt: string
  readonly database: Dialect
  /** Hash of registry.ndjson. */
  readonly registry: string
  /** Table → number of its rows. */
  readonly rows: Readonly<Record<string, number>>
  readonly blobs: { readonly count: number; readonly sizeBytes: number }
}

export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** A line of registry.ndjson. */
export type Line =
  | { readonly blob: string; readonly sizeBytes: number }
  | { readonly table: string; readonly row: Row }

/** Name of a blob's file, in both forms. */
export const blobFile = (sha256: string): string => `blobs/${sha256.slice(0, 2)}/${sha256.slice(2)}`

const BLOB_FILE = /^blobs\/([0-9a-f]{2})\/([0-9a-f]{62})$/

/** The hash that the name of a blob's file says; undefined for any other name. */
export function blobOf(file: string): string | undefined {
  const [, start = '', rest = ''] = BLOB_FILE.exec(file) ?? []
  return rest === '' ? undefined : start + rest
}

/** Whether a backup of this path is one file. */
export const isTar = (path: string): boolean => path.toLowerCase().endsWith('.tar')

/** Throws `backup_invalid`. */
export function parseManifest(bytes: Uint8Array, path: string): BackupManifest {
  let manifest: Partial<Omit<BackupManifest, 'format'>> & { readonly format?: unknown }
  try {
    manifest = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw invalidBackup(path, `a ${MANIFEST_FILE} that is no JSON`, cause)
  }
  const { format, registry, rows, blobs } = manifest ?? {}
  if (typeof format === 'number' && format > BACKUP_FORMAT) {
    throw new VergerError(
      'registry_newer',
      `Expected a backup of a form that this version of Verger knows in ${path}, found form ${format}`,
      { hint: 'Restore it with a newer version of Verger.', details: { path } },
    )
  }
  if (
    format !== BACKUP_FORMAT ||
    registry === undefined ||
    rows === undefined ||
    blobs === undefined
  ) {
    throw invalidBackup(path, `a ${MANIFEST_FILE} that is not one of a backup`)
  }
  return manifest as BackupManifest
}

export function invalidBackup(path: string, found: string, cause?: unknown): VergerError {
  return new VergerError(
    'backup_invalid',
    `Expected a whole and intact backup in ${path}, found ${found}`,
    {
      hint: 'Nothing was restored. Name what verger backup --out has written, or another backup.',
      details: { path },
      cause,
    },
  )
}
