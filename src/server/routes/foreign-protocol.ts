/** What the HTTP protocols of others share: bodies as bytes, compressed or not, and JSON without a word about its letters. */
import { Transform } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { VergerError } from '../../core/errors.ts'

/** Registers routes whose bodies arrive as bytes, whatever type they are said to have. */
export async function registerForeignProtocol(
  app: FastifyInstance,
  maxBytes: number,
  register: (api: FastifyInstance) => void,
): Promise<void> {
  await app.register(async (api) => {
    api.removeAllContentTypeParsers()
    api.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    api.addHook('preParsing', async (request, _reply, body) => unpack(request, body, maxBytes))
    register(api)
  })
}

/** Statuses and the body of errors, as one text. */
export const TEXT_ERRORS = Object.fromEntries(
  [
    ['4XX', 'What was wrong with the request'],
    ['5XX', 'Why the server could not answer'],
  ].map(([range = '', description]) => [
    range,
    { description, type: 'object', properties: { error: { type: 'string' } } },
  ]),
)

/** The body of a request to a protocol registered here; a request without one has no bytes. */
export const bodyOf = ({ body }: FastifyRequest): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array()

/** Some clients read the body of an error only where its type is this, to the letter. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json').send(Buffer.from(JSON.stringify(value)))
}

/** Gives the bytes of a body that came compressed, up to the largest that is accepted (RFC 9110, section 8.4). */
function unpack(request: FastifyRequest, body: RequestPayload, maxBytes: number): RequestPayload {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = request.headers
  if (/^multipart\//i.test(type)) {
    throw new VergerError(
      'content_type_unsupported',
      `Expected JSON or bytes as the body, received ${type}`,
      { hint: 'POST /predict takes forms.' },
    )
  }
  if (encoding === 'identity') return body
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new VergerError(
      'content_type_unsupported',
      `Expected the encoding gzip or deflate, received ${encoding}`,
    )
  }
  const unpacking = encoding === 'gzip' ? createGunzip() : createInflate()
  const counted: Transform & RequestPayload = countBytes(request, maxBytes)
  counted.receivedEncodedLength = 0
  body.on('data', (chunk: Buffer) => {
    counted.receivedEncodedLength = (counted.receivedEncodedLength ?? 0) + chunk.length
  })
  body.once('error', (error) => counted.destroy(error))
  unpacking.once('error', (error) => {
    counted.destroy(
      new VergerError('request_invalid', `Expected a ${encoding} body: ${error.message}`, {
        cause: error,
      }),
    )
  })
  // What is refused is no longer unpacked.
  counted.on('error', () => {
    body.unpipe(unpacking)
    unpacking.destroy()
  })
  return body.pipe(unpacking).pipe(counted)
}

function countBytes({ holding }: FastifyRequest, maxBytes: number): Transform {
  let sizeBytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      try {
        if (sizeBytes > maxBytes) {
          throw new VergerError(
            'body_too_large',
            `Expected a body of at most ${maxBytes} bytes, received one that unpacks to more`,
            { hint: 'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.' },
          )
        }
        holding.take(chunk.length)
        done(null, chunk)
      } catch (error) {
        done(error as VergerError)
      }
    },
  })
}
