/** The one place where an error becomes an HTTP response. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify'
import type { Config, Limits } from '../core/config.ts'
import { ERROR_CATALOGUE, type ErrorCode, toVergerError, VergerError } from '../core/errors.ts'
import type { ServingHost } from '../serving/serving-host.ts'
import { errorFormOf, type FormatError } from './error-forms.ts'

type FrameworkError = Error & { readonly code?: string; readonly statusCode?: number }

/** The form of Verger's own routes, with the status of the catalogue. */
const describeError: FormatError = (error) => ({ body: { error: error.describe() } })

/** Answers `{ "error": { code, message, hint } }`, or in the form of the protocol that the request speaks. */
export function mapError(config: Config, host: Pick<ServingHost, 'load'>) {
  return (error: FrameworkError, request: FastifyRequest, reply: FastifyReply): void => {
    const known = fromFramework(error, request, config) ?? toVergerError(error)
    const form =
      request.routeOptions.config?.formatError ??
      errorFormOf(request.server, request.url) ??
      describeError
    const { status, body } = applyForm(form, known)
    request.outcome = known.code
    if (known.code === 'internal') request.log.error({ err: error }, 'request failed')
    if (status === 503 || status === 429) {
      const seconds = known.details['retryAfterSeconds'] ?? retryAfterSeconds(host)
      void reply.header('retry-after', seconds)
    }
    const challenge = challengeOf(known)
    if (challenge !== undefined) void reply.header('www-authenticate', challenge)
    void reply.code(status)
    if (form === describeError) void reply.send(body)
    // Some clients read an error only where its type is this, to the letter.
    else void reply.type('application/json').send(Buffer.from(JSON.stringify(body)))
  }
}

/** What a client must send to be let in (RFC 6750, section 3). */
function challengeOf({ code, details }: VergerError): string | undefined {
  const { isGiven, scope } = details
  if (code === 'unauthorized') {
    return `Bearer realm="verger"${isGiven === true ? ', error="invalid_token"' : ''}`
  }
  if (code !== 'forbidden') return undefined
  const needed = typeof scope === 'string' ? `, scope="${scope}"` : ''
  return `Bearer realm="verger", error="insufficient_scope"${needed}`
}

function applyForm(form: FormatError, error: VergerError): { status: number; body: unknown } {
  const { status } = ERROR_CATALOGUE[error.code]
  return { status, ...form(error, status) }
}

function retryAfterSeconds(host: Pick<ServingHost, 'load'>): number {
  return Math.max(1, Math.ceil(host.load.waitMs / 1000))
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

/** Characters of a wrong value that a message shows. */
const MAX_RECEIVED = 100

/** Names every fault that a schema found in a part of a request, an unknown key by its name. */
export function describeSchemaFaults(
  faults: readonly FastifySchemaValidationError[],
  part: string,
): VergerError {
  const sentences = faults.map((fault) => {
    const { instancePath, message, params, data } = fault as typeof fault & { data?: unknown }
    const { additionalProperty: unknown, missingProperty: missing } = params
    const place = `${part}${instancePath}`
    if (unknown !== undefined) return `${place} must not have '${unknown}'`
    return missing === undefined
      ? `${place} ${message}, received ${nameValue(data)}`
      : `${place} ${message}`
  })
  return new VergerError('request_invalid', [...new Set(sentences)].join(', '), {
    hint: 'GET /api/openapi.json describes what the route expects.',
  })
}

function nameValue(value: unknown): string {
  if (value === undefined) return 'none'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value)
  return text.length > MAX_RECEIVED ? `${text.slice(0, MAX_RECEIVED)}…` : text
}

/** Milliseconds in which a client that was refused may still read why before its connection is cut. */
const LINGER_MS = 1000

/** Paths of the requests that are being received, so that one that comes too late is told in the form of its protocol. */
const urls = new WeakMap<Socket, string>()

/** Remembers where each request of a server goes while it is here. */
export function trackUrls({ server }: FastifyInstance): void {
  server.on('request', ({ socket, url = '' }, response) => {
    urls.set(socket, url)
    response.once('close', () => urls.delete(socket))
  })
}

/** Answers a request that never became one: broken HTTP, or a client that was too slow. */
export function answerClientError({ receiveTimeoutMs }: Limits) {
  return function (this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
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
    const form = errorFormOf(this, urls.get(socket) ?? '') ?? describeError
    const formatted = applyForm(form, known)
    const body = JSON.stringify(formatted.body)
    const { status } = formatted
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }
}
