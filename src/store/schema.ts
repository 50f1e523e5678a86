/** The tables of the registry. Times are ISO 8601 in UTC, flags are 0 or 1, hashes are SHA-256 in hexadecimal. */
import type { Generated, Selectable } from 'kysely'

export interface Schema {
  readonly datasets: DatasetsTable
  readonly models: ModelsTable
  readonly versions: VersionsTable
  readonly default_changes: DefaultChangesTable
  readonly corrections: CorrectionsTable
  readonly tokens: TokensTable
  readonly audit: AuditTable
  readonly operations: OperationsTable
  readonly revision: RevisionTable
  readonly staged_objects: StagedObjectsTable
  readonly staged_uploads: StagedUploadsTable
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
  /** JSON object of texts. */
  labels: string
  /** JSON object: what a foreign protocol said and gets back, under the name of the protocol. */
  annotations: string
  /** The version that gets a share of the requests that name none, and that share, 1 to 99 %. */
  canary_version: string | null
  canary_percent: number | null
  /** The version that is asked beside the one that answers, and never answers itself. */
  shadow_version: string | null
  /** Corrected photos older than this are removed; null keeps them. */
  keep_corrections_days: number | null
  updated_at: string
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
  /** The order in which the versions of a model were registered: 1, 2, … */
  position: number
  /** JSON objects, as those of a model. */
  labels: string
  annotations: string
  /** JSON object like `files`, of the backbone; null where the backbone ships with Verger. */
  backbone_files: string | null
  seal: string
}

/**
 * Why a default changed: somebody named it, somebody went back, or the only version was deleted; or what changed beside it:
 * the version that gets a share of the requests, or the one that is compared.
 */
export type DefaultChangeKind = 'set' | 'rollback' | 'delete' | 'canary' | 'shadow'

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
  /** Of the requests, for a canary. */
  percent: number | null
  /** Microseconds from the request for the change until the version answered; null where nobody measured. */
  took_us: number | null
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

interface TokensTable {
  id: string
  /** Unique. */
  name: string
  /** Hash of the secret; unique. */
  hash: string
  /** JSON array of scopes. */
  scopes: string
  /** JSON array of names; null where the token is for every model. */
  models: string | null
  created_at: string
  created_by: string
  expires_at: string | null
  revoked_at: string | null
  last_used_at: string | null
}

interface AuditTable {
  id: Generated<number>
  at: string
  who: string
  action: string
  target: string
  /** `ok`, or the code of the error. */
  outcome: string
  request_id: string | null
  address: string | null
  /** JSON object. */
  details: string
}

export type OperationState = 'running' | 'done' | 'failed' | 'cancelled'

interface OperationsTable {
  id: string
  kind: string
  /** What it is about; it may outlive both. */
  model: string
  version: string | null
  state: OperationState
  /** JSON object: all that is needed to run it again. */
  input: string
  error_code: string | null
  error_message: string | null
  created_at: string
  started_at: string | null
  ended_at: string | null
  /** 1 once somebody wants it to end. */
  cancel_requested: number
  /** The process that runs it, and when that process last said so. */
  runner: string | null
  runner_seen_at: string | null
  /** JSON object, as that of a model. */
  annotations: string
}

/** Files that a client uploads before it makes a version of them, named as in Cloud Storage; they expire. */
interface StagedObjectsTable {
  bucket: string
  name: string
  sha256: string
  /** Base64, as Cloud Storage tells it. */
  md5: string
  size_bytes: number
  content_type: string
  put_at: string
}

/** Uploads of which some parts are here. */
interface StagedUploadsTable {
  id: string
  bucket: string
  name: string
  content_type: string
  /** JSON array of `{sha256, sizeBytes}`, whose blobs one after the other are the file. */
  parts: string
  put_at: string
}

/** One row, which moves in every transaction that changes the registry. */
interface RevisionTable {
  id: 1
  value: number
}

export type DatasetRow = Selectable<DatasetsTable>
export type ModelRow = Selectable<ModelsTable>
export type VersionRow = Selectable<VersionsTable>
export type DefaultChangeRow = Selectable<DefaultChangesTable>
export type TokenRow = Selectable<TokensTable>
