/** Errors → status codes of gRPC (https://grpc.io/docs/guides/status-codes/). */
import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { ERROR_CATALOGUE, type ErrorCode, type VergerError } from '../../core/errors.ts'
import { textOfError } from '../open-inference/errors.ts'

/** By the HTTP status of the catalogue; what is not here is INTERNAL. */
const CODES: ReadonlyMap<number, status> = new Map([
  [400, status.INVALID_ARGUMENT],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.NOT_FOUND],
  [405, status.UNIMPLEMENTED],
  [408, status.CANCELLED],
  [409, status.FAILED_PRECONDITION],
  [413, status.INVALID_ARGUMENT],
  [415, status.INVALID_ARGUMENT],
  [422, status.INVALID_ARGUMENT],
  [429, status.RESOURCE_EXHAUSTED],
  [502, status.UNAVAILABLE],
  [503, status.UNAVAILABLE],
  [504, status.DEADLINE_EXCEEDED],
])

/** Errors that have another code than others of their HTTP status. */
const EXCEPTIONS: Readonly<Partial<Record<ErrorCode, status>>> = {
  body_too_large: status.RESOURCE_EXHAUSTED,
  route_unknown: status.UNIMPLEMENTED,
}

/** Characters of a text; it travels in headers, of which clients take 8 KiB. */
const MAX_DETAILS = 2000

/** `waitMs` is the time after which a caller that was sent away may come again. */
export function statusOfError(error: VergerError, waitMs: number): StatusObject {
  const code =
    EXCEPTIONS[error.code] ?? CODES.get(ERROR_CATALOGUE[error.code].status) ?? status.INTERNAL
  const metadata = new Metadata()
  if (code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED) {
    // https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
    metadata.set('grpc-retry-pushback-ms', String(Math.max(1000, Math.ceil(waitMs))))
  }
  return { code, details: textOfError(error).slice(0, MAX_DETAILS), metadata }
}
