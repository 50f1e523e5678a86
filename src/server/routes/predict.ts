/** `POST /predict`: photos as a raw body, multipart or JSON → the same objects that `verger predict --json` prints. */
import { setMaxListeners } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DECISIONS } from '../../bundles/classifier.ts'
import { DEFAULT_TOP, type Limits } from '../../core/config.ts'
import { ERROR_CATALOGUE, VergerError } from '../../core/errors.ts'
import {
  type FailedPrediction,
  type Prediction,
  type Predictor,
  predictOrFail,
} from '../../serving/predictor.ts'
import type { Metrics } from '../metrics.ts'
import { JSON_BODY_SCHEMA, type JsonBody, photosOfJson } from './predict-json.ts'
import { ERROR_SCHEMA } from './schemas.ts'

export interface NamedPhoto {
  readonly source: string
  /** Gives the bytes. Throws a VergerError where their transport form is broken. */
  read(): Uint8Array
}

export interface PredictRouteOptions {
  readonly predictor: Predictor
  readonly limits: Limits
  readonly metrics: Metrics
}

const PREDICTION_SCHEMA = {
  type: 'object',
  description:
    'The answer for one photo: either scores, or the error that kept it from being read.',
  properties: {
    source: { type: 'string', description: 'Name of the photo in the request' },
    backbone: { type: 'string', description: 'Network that answered' },
    decision: {
      type: 'string',
      enum: DECISIONS,
      description: 'ok, unsure which label, or unknown; a bare backbone always says ok',
    },
    top: {
      type: 'array',
      description: 'Best labels, best first',
      items: {
        type: 'object',
        properties: {
          label: { type: 'string' },
          score: { type: 'number', minimum: 0, maximum: 1, description: 'Probability' },
        },
        required: ['label', 'score'],
      },
    },
    error: ERROR_SCHEMA.properties.error,
  },
  required: ['source'],
} as const

/** A body of one of these types is one photo. */
const RAW_TYPES = /^(?:image\/|application\/octet-stream)/

export function registerPredictRoute(app: FastifyInstance, options: PredictRouteOptions): void {
  const { limits } = options
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(RAW_TYPES, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  // OpenAPI 3.1 describes bytes by the absence of a schema, and Fastify must not validate them as JSON.
  const photo = { schema: { description: 'The bytes of one photo' } } as const
  const failures = Object.fromEntries(
    [400, 401, 408, 413, 415, 422, 500, 503, 504].map((status) => [
      status,
      { description: codesOf(status).join(', '), ...ERROR_SCHEMA },
    ]),
  )

  app.post<{ Querystring: { top: number } }>(
    '/predict',
    {
      // Only the query arrives as text: coercion of types would also turn numbers of a JSON body into photos.
      preValidation: async ({ query }) => {
        if (/^-?\d+$/.test(String(query.top))) query.top = Number(query.top)
      },
      schema: {
        summary: 'Name what is on photos',
        description:
          'A request with one photo is answered with its error status when the photo cannot be read. ' +
          'Among several photos a bad one has an error in its place and the status is 200.',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            top: {
              type: 'integer',
              minimum: 1,
              default: DEFAULT_TOP,
              description: 'Labels per photo',
            },
          },
        },
        body: {
          content: {
            'application/json': { schema: JSON_BODY_SCHEMA },
            'application/octet-stream': photo,
            'image/*': photo,
            'multipart/form-data': { schema: { description: 'Each file part is one photo' } },
          },
        },
        response: {
          200: { description: 'One answer per photo', type: 'array', items: PREDICTION_SCHEMA },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const photos = await readPhotos(request, limits)
      return answer(photos, request.query.top, reply, options)
    },
  )
}

/** Codes that no request can raise. */
const COMMAND_LINE_CODES =
  /^(?:address|usage|config|output|url|backbone|photo_not_found|photo_unreadable)/

function codesOf(status: number): string[] {
  return Object.entries(ERROR_CATALOGUE)
    .filter(([code, entry]) => entry.status === status && !COMMAND_LINE_CODES.test(code))
    .map(([code]) => code)
}

/** Takes the photos out of any of the three forms. Throws when there are none or too many. */
async function readPhotos(request: FastifyRequest, limits: Limits): Promise<NamedPhoto[]> {
  const photos = await takePhotos(request, limits)
  if (photos.length === 0) {
    throw new VergerError('no_photo', 'Expected at least one photo in the request, received none', {
      hint: 'With curl: -F photo=@photo.jpg',
    })
  }
  if (photos.length > limits.requestPhotos) {
    throw new VergerError(
      'too_many_parts',
      `Expected at most ${limits.requestPhotos} photos in one request, received ${photos.length}`,
      { hint: 'Send several requests, or raise VERGER_MAX_REQUEST_PHOTOS.' },
    )
  }
  return photos
}

async function takePhotos(request: FastifyRequest, limits: Limits): Promise<NamedPhoto[]> {
  if (request.isMultipart()) {
    try {
      return await takeParts(request, limits)
    } catch (error) {
      // The parser throws errors with a code for every limit, and plain ones for a body that is not multipart.
      if (error instanceof Error && 'code' in error) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new VergerError('request_invalid', `Expected a whole multipart body: ${reason}`, {
        cause: error,
      })
    }
  }
  const { body } = request
  if (Buffer.isBuffer(body)) return [{ source: 'photo', read: () => body }]
  return photosOfJson((body ?? {}) as JsonBody)
}

/** A multipart body without a length is bounded here: Fastify bounds only the bodies that it collects itself. */
async function takeParts(request: FastifyRequest, { requestBytes }: Limits): Promise<NamedPhoto[]> {
  const photos: NamedPhoto[] = []
  let sizeBytes = 0
  for await (const part of request.files()) {
    const bytes = await part.toBuffer()
    sizeBytes += bytes.length
    if (sizeBytes > requestBytes) {
      throw new VergerError(
        'body_too_large',
        `Expected a body of at most ${requestBytes} bytes, received more`,
        { hint: 'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.' },
      )
    }
    photos.push({ source: part.filename || part.fieldname, read: () => bytes })
  }
  return photos
}

async function answer(
  photos: readonly NamedPhoto[],
  top: number,
  reply: FastifyReply,
  { predictor, limits, metrics }: PredictRouteOptions,
): Promise<(Prediction | FailedPrediction)[]> {
  if (predictor.load.waiting + photos.length > limits.queuedPhotos) {
    throw new VergerError(
      'overloaded',
      `Expected at most ${limits.queuedPhotos} photos waiting, and ${predictor.load.waiting} are`,
      { hint: 'Send again after the time in the header Retry-After.' },
    )
  }
  const { signal, settle } = limitTime(reply, limits.deadlineMs)
  try {
    const [only] = photos
    if (only !== undefined && photos.length === 1) {
      const { source } = only
      const prediction = await predictor.predict({ source, photo: only.read(), top, signal })
      metrics.photos.inc({ result: 'ok' })
      return [prediction]
    }
    const answers = await Promise.all(
      photos.map(({ source, read }) =>
        predictOrFail(source, async () =>
          predictor.predict({ source, photo: read(), top, signal }),
        ),
      ),
    )
    for (const each of answers) {
      metrics.photos.inc({ result: 'error' in each ? each.error.code : 'ok' })
    }
    return answers
  } catch (error) {
    metrics.photos.inc({ result: error instanceof VergerError ? error.code : 'internal' })
    throw error
  } finally {
    settle()
  }
}

/** A signal that fires when the caller has left or the time is up. */
function limitTime(reply: FastifyReply, deadlineMs: number) {
  const controller = new AbortController()
  // Every photo of the request listens.
  setMaxListeners(0, controller.signal)
  const onClose = () => {
    controller.abort(new VergerError('request_timeout', 'The client left before the answer'))
  }
  const timer = setTimeout(() => {
    controller.abort(
      new VergerError(
        'deadline_exceeded',
        `Expected an answer within ${deadlineMs} ms, none was ready`,
        {
          hint: 'Send fewer photos at once, or raise VERGER_DEADLINE_MS.',
        },
      ),
    )
  }, deadlineMs)
  reply.raw.once('close', onClose)
  return {
    signal: controller.signal,
    settle() {
      clearTimeout(timer)
      reply.raw.off('close', onClose)
    },
  }
}
