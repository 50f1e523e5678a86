/** The one place where an error becomes an HTTP response. */
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import type { Config, Limits } from '../core/config.ts'
import { ERROR_CATALOGUE, type ErrorCode, toVergerError, VergerError } from '../core/errors.ts'
import type { Predictor } from '../serving/predictor.ts'

type FrameworkError = Error & { readonly code?: string; readonly statusCode?: number }

/** Answers `{ "error": { code, message, hint } }` with the status of the catalogue. */
export function mapError(config: Config, predictor: Predictor) {
  return (error: FrameworkError, request: FastifyRequest, reply: FastifyReply): void => {
    const known = fromFramework(error, request, config) ?? toVergerError(error)
    const { status } = ERROR_CATALOGUE[known.code]
    if (known.code === 'internal') request.log.error({ err: error }, 'request failed')
    if (status === 503) void reply.header('retry-after', retryAfterSeconds(predictor))
    if (known.code === 'unauthorized')
      void reply.header('www-authenticate', 'Bearer realm="verger"')
    void reply.code(status).send({ error: known.describe() })
  }
}

function retryAfterSeconds(predictor: Predictor): number {
  return Math.max(1, Math.ceil(predictor.load.waitMs / 1000))
}

const ACCEPTED_TYPES = 'image/*, application/octet-stream, multipart/form-data or application/json'

/** Errors of Fastify and its multipart plugin by their code (https://fastify.dev/docs/latest/Reference/Errors/). */
function fromFramework(
  error: FrameworkError,
  request: FastifyRequest,
  { limits }: Config,
): VergerError | undefined {
  const { code, statusCode = 500, message } = error
  const because = (ours: ErrorCode, text: string, hint: string) =>
    new VergerError(ours, text, { hint, cause: error })
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return because(
        'body_too_large',
        `Expected a body of at most ${limits.requestBytes} bytes, received more`,
        'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.',
      )
    case 'FST_REQ_FILE_TOO_LARGE':
      return because(
        'photo_too_large',
        `Expected photos of at most ${limits.photoBytes} bytes, received a larger one`,
        'Save the photo smaller, or raise VERGER_MAX_PHOTO_BYTES.',
      )
    case 'FST_PARTS_LIMIT':
    case 'FST_FILES_LIMIT':
    case 'FST_FIELDS_LIMIT':
      return because(
        'too_many_parts',
        `Expected at most ${limits.requestPhotos} photos in one request, received more parts`,
        'Send several requests, or raise VERGER_MAX_REQUEST_PHOTOS.',
      )
    case 'ECONNRESET':
      return because(
        'request_timeout',
        'Expected the whole request, the client left before its end',
        'Nobody reads this answer.',
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_INVALID_MULTIPART_CONTENT_TYPE':
      return because(
        'content_type_unsupported',
        `Expected the content type ${ACCEPTED_TYPES}, received ${request.headers['content-type'] ?? 'none'}`,
        "With curl: -H 'Content-Type: image/jpeg' --data-binary @photo.jpg, or -F photo=@photo.jpg",
      )
  }
  if (error instanceof VergerError || statusCode < 400 || statusCode >= 500) return undefined
  return because(
    'request_invalid',
    message,
    'GET /api/openapi.json describes what the route expects.',
  )
}

/** Names every fault that a schema found in a part of a request, an unknown key by its name. */
export function describeSchemaFaults(
  faults: readonly FastifySchemaValidationError[],
  part: string,
): VergerError {
  const sentences = faults.map(({ instancePath, message, params }) => {
    const { additionalProperty: unknown } = params
    return `${part}${instancePath} ${unknown === undefined ? message : `must not have '${unknown}'`}`
  })
  return new VergerError('request_invalid', [...new Set(sentences)].join(', '), {
    hint: 'GET /api/openapi.json describes what the route expects.',
  })
}

/** Milliseconds in which a client that was refused may still read why before its connection is cut. */
const LINGER_MS = 1000

/** Answers a request that never became one: broken HTTP, or a client that was too slow. */
export function answerClientError({ receiveTimeoutMs }: Limits) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const known =
      error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new VergerError(
            'request_timeout',
            `Expected the whole request within ${receiveTimeoutMs} ms, it did not arrive`,
            { hint: 'Send a smaller photo, or raise VERGER_RECEIVE_TIMEOUT_MS.' },
          )
        : new VergerError('request_invalid', `Expected an HTTP request: ${error.message}`)
    const body = JSON.stringify({ error: known.describe() })
    const { status } = ERROR_CATALOGUE[known.code]
    socket.end(
      `HTTP/1.1 ${status} ${known.code}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }
}
