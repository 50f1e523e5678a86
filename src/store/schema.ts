/** The tables of the registry. Times are ISO 8601 in UTC, flags are 0 or 1, hashes are SHA-256 in hexadecimal. */
import type { Generated, Selectable } from 'kysely'

export interface Schema {
  readonly datasets: DatasetsTable
  readonly models: ModelsTable
  readonly versions: VersionsTable
  readonly default_changes: DefaultChangesTable
  readonly corrections: CorrectionsTable
}

interface DatasetsTable {
  /** Hash of the manifest, which is a blob of that name. */
  id: string
  name: string
  /** Absolute path of the folder that held the photos. */
  root: string
  /** What was scanned, in the words of the user: a path, a URL, a name. */
  source: string
  photo_count: number
  label_count: number
  size_bytes: number
  created_at: string
}

interface ModelsTable {
  name: string
  description: string
  /** The version that answers when none is named. */
  default_version: string | null
  /** 1 where the owner has opted in to keeping corrected photos. */
  keep_corrections: number
  created_at: string
  /** Hash over the other columns, see seal.ts. */
  seal: string
}

interface VersionsTable {
  model: string
  name: string
  /** Id of the bundle: hash of its `bundle.json`. */
  bundle: string
  /** JSON object: name of each file of the bundle → hash of its bytes, which is its blob. */
  files: string
  description: string
  created_at: string
  seal: string
}

/** Why a default changed: somebody named it, somebody went back, or the only version was deleted. */
export type DefaultChangeKind = 'set' | 'rollback' | 'delete'

interface DefaultChangesTable {
  id: Generated<number>
  model: string
  at: string
  kind: DefaultChangeKind
  /** Name of the person or program that made the change. */
  who: string
  why: string
  from_version: string | null
  to_version: string | null
  seal: string
}

interface CorrectionsTable {
  id: Generated<number>
  model: string
  /** The version that was corrected. */
  version: string
  /** Blob of the photo. */
  photo_sha256: string
  /** What a person says it is. */
  label: string
  /** What the version said, and its probability, 0 to 1. */
  predicted: string
  score: number
  created_at: string
}

export type DatasetRow = Selectable<DatasetsTable>
export type ModelRow = Selectable<ModelsTable>
export type VersionRow = Selectable<VersionsTable>
export type DefaultChangeRow = Selectable<DefaultChangesTable>
