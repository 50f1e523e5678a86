/** The one error of Verger and the catalogue of its codes: what a code means over HTTP and on the command line. */

/** Exit codes of the command line. */
export const EXIT_CODES = { done: 0, failure: 1, usage: 2, bug: 70 } as const

interface CatalogueEntry {
  /** HTTP status of a response that carries this error. */
  readonly status: number
  /** Exit code of a command that ends with this error. */
  readonly exitCode: number
  /** When it is raised, as one sentence for the reference page. */
  readonly meaning: string
}

const failure = (status: number, meaning: string): CatalogueEntry => ({
  status,
  exitCode: EXIT_CODES.failure,
  meaning,
})
const usage = (status: number, meaning: string): CatalogueEntry => ({
  status,
  exitCode: EXIT_CODES.usage,
  meaning,
})

/** Every code that Verger raises. A code is never reused for another meaning. */
export const ERROR_CATALOGUE = {
  address_in_use: failure(500, 'Another process listens on the address that was asked for.'),
  address_needs_token: usage(
    500,
    'An address other than loopback was asked for and no token protects it.',
  ),
  address_unusable: failure(500, 'The address that was asked for cannot be listened on.'),
  archive_invalid: failure(422, 'An archive is of no form that Verger reads, or is damaged.'),
  archive_unsafe: failure(
    422,
    'An archive would write outside its folder, or unpacks to far more than it should.',
  ),
  backbone_damaged: failure(500, 'The weights file of a backbone differs from its published hash.'),
  backbone_differs: failure(
    409,
    'A bundle was made with other weights or another preprocessing than this Verger has.',
  ),
  backbone_exists: failure(409, 'Another backbone has this id.'),
  backbone_in_use: failure(
    409,
    'Versions answer with the backbone that would be deleted or replaced.',
  ),
  backbone_missing: failure(500, 'The weights file of a backbone is not where it should be.'),
  backbone_unknown: usage(404, 'No backbone has this id.'),
  backbone_unnamed: failure(422, 'The backbone has no classifier, or nobody named its classes.'),
  backup_exists: failure(409, 'Something lies already where a backup should be written.'),
  backup_invalid: failure(422, 'A backup is not whole, is damaged, or is none.'),
  base64_invalid: failure(400, 'A text that should be base64 is not.'),
  blob_damaged: failure(500, 'A stored file differs from the hash that names it.'),
  blob_unknown: failure(404, 'No bytes with this hash were uploaded.'),
  blob_missing: failure(500, 'A stored file is not where it should be.'),
  body_too_large: failure(413, 'The request body is larger than the server accepts.'),
  bucket_unknown: failure(404, 'No bucket has this name, or not at this endpoint.'),
  bucket_url_invalid: usage(422, 'The address of a bucket has a form that is not allowed.'),
  bundle_damaged: failure(422, 'A file of a bundle differs from the hash that names it.'),
  bundle_exists: failure(409, 'Something lies already where a bundle should be written.'),
  bundle_incomplete: failure(422, 'A bundle lacks a file that it needs.'),
  bundle_not_found: failure(404, 'No bundle lies at this path.'),
  bundle_self_test_failed: failure(
    500,
    'A bundle answers otherwise here than on the machine that made it.',
  ),
  bundle_too_new: failure(422, 'The bundle was written by a newer version of Verger.'),
  cache_unreadable: failure(500, 'Something that was kept for later cannot be read.'),
  canary_invalid: usage(
    422,
    'A version cannot go on trial: it answers already, or its share is not 1 to 99 %.',
  ),
  checksum_mismatch: failure(
    502,
    'A download differs from its published checksum, or from the one recorded at first use.',
  ),
  config_invalid: usage(500, 'An environment variable or option has a value that cannot be used.'),
  content_type_unsupported: failure(
    415,
    'The content type of the request is not one of those accepted.',
  ),
  corrections_off: failure(
    403,
    'The owner of the model has not opted in to keeping corrected photos.',
  ),
  dataset_ambiguous: usage(409, 'Several dataset versions start with the id that was given.'),
  dataset_empty: failure(422, 'A dataset has no photo that can be used.'),
  dataset_foreign: failure(422, 'A dataset has no label that the model knows.'),
  dataset_invalid: failure(
    422,
    'A dataset, or the manifest that describes it, is not as it should be.',
  ),
  dataset_not_found: failure(404, 'No folder, archive, manifest or saved dataset has this name.'),
  dataset_untrainable: failure(
    422,
    'A dataset has too few labels or photos for a classifier to be trained and measured.',
  ),
  deadline_exceeded: failure(
    504,
    'The answer was not ready within the time that a request may take.',
  ),
  disk_full: failure(500, 'The disk has no space left for what was to be written.'),
  download_failed: failure(502, 'A file could not be downloaded, or is not what it should be.'),
  etag_mismatch: failure(409, 'Somebody else changed the model or version since it was read.'),
  export_exists: failure(409, 'Something lies already where an export should be written.'),
  export_too_large: failure(
    422,
    'A classifier is larger than the format that was asked for can hold.',
  ),
  forbidden: failure(403, 'The token does not allow what was asked.'),
  internal: { status: 500, exitCode: EXIT_CODES.bug, meaning: 'A bug in Verger.' },
  label_count_differs: failure(422, 'There are more or fewer labels than outputs of the network.'),
  label_invalid: usage(422, 'A label is empty or too long.'),
  method_not_allowed: failure(405, 'The path exists and does not answer this method.'),
  model_exists: failure(409, 'A model of this name exists.'),
  model_has_no_version: failure(409, 'The model has no version that could answer.'),
  model_has_versions: failure(409, 'The model has versions that would be deleted with it.'),
  model_invalid: failure(422, 'The file of a model is damaged, or is not what its format says.'),
  model_unknown: usage(404, 'No model has this name.'),
  model_unsupported: failure(
    422,
    'A model is well-formed, but has an operator, an input or an output that Verger cannot run.',
  ),
  name_invalid: usage(422, 'The name of a model or version has a form that is not allowed.'),
  no_photo: failure(400, 'Nothing that was named or sent is a photo.'),
  object_changed: failure(409, 'An object in a bucket was replaced while it was read.'),
  object_missing: failure(404, 'A bucket has no object under this key.'),
  operation_abandoned: failure(
    500,
    'Every server that ran an operation ended before it was done, so it is not begun again.',
  ),
  operation_cancelled: failure(409, 'An operation was cancelled while somebody waited for it.'),
  operation_running: failure(409, 'Something else is being done to the model or version.'),
  operation_unknown: failure(404, 'No operation has this name.'),
  origin_refused: failure(403, 'A page of another origin asked a server that no token guards.'),
  output_failed: failure(
    500,
    'What a command prints could not be written, e.g. because the disk is full.',
  ),
  overloaded: failure(
    503,
    'More photos are waiting than the server queues; retry after the time named.',
  ),
  photo_changed: failure(409, 'The photo is no longer what it was when its dataset was scanned.'),
  photo_corrupt: failure(
    422,
    'The photo starts like one of the accepted formats but cannot be decoded.',
  ),
  photo_empty: failure(422, 'The photo has no bytes.'),
  photo_format_refused: failure(415, 'The file is of a known format that Verger does not read.'),
  photo_format_unknown: failure(415, 'The bytes are of no image format that Verger knows.'),
  photo_not_found: failure(404, 'No file or folder has this path.'),
  photo_too_large: failure(413, 'The photo has more bytes than a photo may have.'),
  photo_too_many_pixels: failure(413, 'The photo has more pixels than a photo may have.'),
  photo_truncated: failure(422, 'The photo ends before its last row.'),
  photo_unreadable: failure(422, 'The file or folder exists but cannot be read.'),
  publication_exists: failure(
    409,
    'Something else lies already where a version should be published.',
  ),
  registry_busy: failure(503, 'Another process held the registry for too long.'),
  registry_damaged: failure(500, 'The database of the registry is not intact.'),
  registry_newer: failure(500, 'The registry was written by a newer version of Verger.'),
  registry_missing: failure(404, 'There is no registry where one should be.'),
  registry_not_empty: failure(
    409,
    'A backup would be restored into a registry that holds something.',
  ),
  registry_refused: failure(
    500,
    'PostgreSQL refuses the user, the password, the database or what Verger does there.',
  ),
  registry_unreachable: failure(503, 'PostgreSQL, which holds the registry, cannot be reached.'),
  report_form_missing: failure(
    500,
    'The form that reports are written into is not part of this installation.',
  ),
  request_invalid: failure(400, 'The request does not have the form that the route expects.'),
  request_timeout: failure(408, 'The request did not arrive in full within the time allowed.'),
  rollback_impossible: failure(409, 'The model has no earlier default to return to.'),
  route_unknown: failure(404, 'No route answers this method and path.'),
  server_closing: failure(503, 'The server is shutting down and takes no new requests.'),
  server_failed: failure(
    502,
    'A server answered with an error that this version of Verger does not know.',
  ),
  server_foreign: failure(502, 'What answers at the address of a server is no Verger.'),
  server_too_old: failure(502, 'A server does not know what was asked; it is an older Verger.'),
  server_unreachable: failure(502, 'Nobody answers at the address of a server.'),
  server_untrusted: failure(502, 'The certificate of a server cannot be trusted.'),
  settings_invalid: usage(
    422,
    'A description, label, annotation or setting of a model or version cannot be kept.',
  ),
  share_exceeded: failure(
    429,
    'One model has its share of the waiting photos while others wait too; retry after the time named.',
  ),
  staged_unknown: failure(404, 'No uploaded file, or no upload that was begun, has this name.'),
  source_invalid: failure(
    422,
    'What a version should be made from is not there, or nothing that can be read.',
  ),
  source_too_large: failure(
    413,
    'What a version should be made from has more files or bytes than a source may have.',
  ),
  storage_denied: failure(502, 'Object storage refused the credentials, or there are none.'),
  storage_unreachable: failure(
    502,
    'Object storage did not answer, or only with faults, at every try.',
  ),
  token_exists: failure(409, 'A token has or had this name.'),
  token_invalid: usage(422, 'What a token is to allow, or when it expires, cannot be used.'),
  token_unknown: usage(404, 'No token has this name.'),
  too_many_failures: failure(
    429,
    'Too many wrong tokens came from this address; retry after the time named.',
  ),
  too_many_parts: failure(413, 'A multipart body has more parts than a request may have.'),
  unauthorized: failure(401, 'The server wants a token and the request has none or a wrong one.'),
  unimplemented: failure(501, 'A protocol has a call that Verger does not offer.'),
  upload_damaged: failure(
    422,
    'The bytes that arrived have another hash than the one that names them.',
  ),
  url_failed: failure(502, 'A photo could not be fetched from its URL.'),
  url_refused: failure(
    422,
    'A URL leads to an address, a port or a protocol that the server does not ask for others.',
  ),
  urls_off: failure(403, 'The server does not fetch photos by URL.'),
  usage_invalid: usage(400, 'The command line does not have the form that the command expects.'),
  version_exists: failure(409, 'Another bundle is registered under this name.'),
  version_file_unknown: failure(404, 'The version has no file of this name.'),
  version_in_use: failure(
    409,
    'The version is on trial as a canary or shadow and cannot be deleted.',
  ),
  version_is_default: failure(409, 'The version answers for its model and cannot be deleted.'),
  version_unknown: usage(404, 'The model has no version of this name.'),
  worker_crashed: failure(
    500,
    'The worker thread that held the photo ended unexpectedly; it was replaced.',
  ),
  worker_stuck: failure(
    504,
    'The worker thread that held the photo did not answer in time; it was replaced.',
  ),
  write_failed: failure(500, 'A file could not be written.'),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof ERROR_CATALOGUE

export interface ErrorDescription {
  readonly code: ErrorCode
  /** What was expected, what was received, where. */
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
}

export interface VergerErrorOptions {
  readonly hint?: string
  /** Facts for programs: limits, paths, received values. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The error that every public function of Verger throws. */
export class VergerError extends Error {
  override readonly name = 'VergerError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: VergerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.details = options.details ?? {}
  }

  /** The part of the error that is meant for people and protocols. */
  describe(): ErrorDescription {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    }
  }
}

/** Gives a VergerError as it is and wraps anything else as `internal`. */
export function toVergerError(error: unknown): VergerError {
  if (error instanceof VergerError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new VergerError('internal', `Unexpected failure: ${message}`, {
    hint: 'This is a bug in Verger: report it with the photo or the request that caused it.',
    cause: error,
  })
}

/** Codes beside `photo_…` that concern one photo of several. */
const PHOTO_CODES: readonly ErrorCode[] = [
  'base64_invalid',
  'deadline_exceeded',
  'no_photo',
  'url_failed',
  'url_refused',
  'worker_crashed',
  'worker_stuck',
]

/** Whether an error is a finding about one photo, so that the photos beside it go on. */
export function isAboutPhoto({ code }: VergerError): boolean {
  return code.startsWith('photo_') || PHOTO_CODES.includes(code)
}

/** A VergerError as plain data that crosses a thread or process boundary. */
export interface ErrorMessage extends ErrorDescription {
  readonly details: Readonly<Record<string, unknown>>
}

export function serializeError(error: unknown): ErrorMessage {
  const known = toVergerError(error)
  return { ...known.describe(), details: known.details }
}

export function deserializeError({ code, message, hint, details }: ErrorMessage): VergerError {
  return new VergerError(code, message, { details, ...(hint === undefined ? {} : { hint }) })
}
