/**
 * Errors as Google's services write them: `{"error": {"code", "message", "status", "details"?}}`, with the codes of
 * google.rpc.Code (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
 */
import { type ErrorCode, VergerError } from '../../../core/errors.ts'
import type { FormatError } from '../../error-forms.ts'

/** Name → number in google.rpc.Code, and the HTTP status that goes with it. */
const RPC = {
  CANCELLED: [1, 499],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
} as const
export type RpcStatus = keyof typeof RPC

/** Where a code of ours says more than its HTTP status does, and the field that it is about. */
const BY_CODE: Partial<Record<ErrorCode, readonly [RpcStatus, field?: string, text?: string]>> = {
  // The one detail with these words is what Airflow's hook knows a duplicate by.
  model_exists: ['ALREADY_EXISTS', 'model.name', 'A model with the same name already exists.'],
  version_exists: [
    'ALREADY_EXISTS',
    'version.name',
    'A version with the same name already exists.',
  ],
  model_has_versions: ['FAILED_PRECONDITION', 'model.name'],
  model_has_no_version: ['FAILED_PRECONDITION', 'name'],
  version_is_default: ['FAILED_PRECONDITION', 'version.name'],
  model_unknown: ['NOT_FOUND', 'name'],
  version_unknown: ['NOT_FOUND', 'name'],
  etag_mismatch: ['ABORTED', 'etag'],
  name_invalid: ['INVALID_ARGUMENT', 'name'],
  operation_running: ['FAILED_PRECONDITION', 'name'],
}

const BY_HTTP: Readonly<Record<number, RpcStatus>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'FAILED_PRECONDITION',
  413: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

interface Violation {
  readonly field: string
  readonly description: string
}

/** What a route knows about its own error and the catalogue does not. */
interface CloudDetails {
  readonly rpc?: RpcStatus
  readonly violations?: readonly Violation[]
}

/** `Field: <path> Error: <text>`, with the path in snake case as the service wrote it. */
export function fieldError(
  field: string,
  text: string,
  rpc: RpcStatus = 'INVALID_ARGUMENT',
): VergerError {
  const details: CloudDetails = { rpc, violations: [{ field, description: text }] }
  return new VergerError('request_invalid', `Field: ${field} Error: ${text}`, {
    details: { ...details },
  })
}

/** Faults of a JSON body, all of them, as the service's own JSON reader words them. */
export function bodyError(violations: readonly Violation[]): VergerError {
  const details: CloudDetails = { violations }
  return new VergerError(
    'request_invalid',
    violations.map(({ description }) => description).join('\n'),
    {
      details: { ...details },
    },
  )
}

export function unimplemented(text: string): VergerError {
  return new VergerError('unimplemented', text)
}

export interface CloudError {
  readonly status: RpcStatus
  /** Number in google.rpc.Code. */
  readonly code: number
  readonly http: number
  readonly message: string
  readonly violations: readonly Violation[]
}

/** An error in the words of the service; `http` is the status that the catalogue has for it. */
export function toCloudError(error: VergerError, http: number): CloudError {
  const { rpc, violations } = error.details as CloudDetails
  const [known, field, text] = BY_CODE[error.code] ?? []
  const status = rpc ?? known ?? BY_HTTP[http] ?? 'INTERNAL'
  const [code, usual] = RPC[status]
  const sentence = text ?? withHint(error)
  return {
    status,
    code,
    // A body that is too large keeps the status that proxies and clients know for it.
    http: http === 413 || http === 408 ? http : usual,
    message: field === undefined ? sentence : `Field: ${field} Error: ${sentence}`,
    violations: violations ?? (field === undefined ? [] : [{ field, description: sentence }]),
  }
}

const withHint = ({ message, hint }: VergerError): string =>
  hint === undefined ? message : `${message}. ${hint}`

export const formatCloudError: FormatError = (error, status) => {
  const { http, status: rpc, message, violations } = toCloudError(error, status)
  return {
    status: http,
    body: {
      error: {
        code: http,
        message,
        status: rpc,
        ...(violations.length === 0
          ? {}
          : {
              details: [
                {
                  '@type': 'type.googleapis.com/google.rpc.BadRequest',
                  fieldViolations: violations,
                },
              ],
            }),
      },
    },
  }
}
