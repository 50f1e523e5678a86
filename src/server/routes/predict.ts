/** `POST /predict`: photos as a raw body, multipart or JSON → the same objects that `verger predict --json` prints. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DECISIONS } from '../../bundles/classifier.ts'
import { DEFAULT_TOP, type Limits } from '../../core/config.ts'
import { type ErrorCode, VergerError } from '../../core/errors.ts'
import { toPrediction } from '../../serving/answer.ts'
import { answerPhotos } from '../answer-photos.ts'
import { type NamedPhoto, readForm } from '../multipart.ts'
import { createUrlReader, type ReadUrl } from '../photo-urls.ts'
import type { RouteOptions } from '../route-options.ts'
import { JSON_BODY_SCHEMA, type JsonBody, photosOfJson } from './predict-json.ts'
import { describeFailures, json, refTo } from './schemas.ts'

export const PREDICTION_SCHEMA = {
  $id: 'Prediction',
  title: 'Prediction',
  type: 'object',
  description:
    'The answer for one photo: either scores, or the error that kept it from being read.',
  properties: {
    source: { type: 'string', description: 'Name of the photo in the request' },
    model: { type: 'string', description: 'Model that answered' },
    version: { type: 'string', description: 'Its version' },
    backbone: { type: 'string', description: 'Network that answered, where no model was named' },
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
    error: refTo('Error'),
  },
  required: ['source'],
} as const

interface PredictQuery {
  readonly model?: string
  readonly version?: string
  top: number
}

/** What may be wrong with a photo, with the version that is to answer, and with the server. */
export const PREDICT_CODES: readonly ErrorCode[] = [
  'model_unknown',
  'version_unknown',
  'model_has_no_version',
  'backbone_differs',
  'photo_empty',
  'photo_truncated',
  'photo_corrupt',
  'photo_too_large',
  'photo_too_many_pixels',
  'photo_format_refused',
  'photo_format_unknown',
  'bundle_damaged',
  'bundle_self_test_failed',
  'blob_damaged',
  'blob_missing',
  'worker_crashed',
  'worker_stuck',
  'overloaded',
  'deadline_exceeded',
]
const CODES: readonly ErrorCode[] = [
  ...PREDICT_CODES,
  'base64_invalid',
  'url_refused',
  'url_failed',
  'urls_off',
  'no_photo',
  'body_too_large',
  'too_many_parts',
  'content_type_unsupported',
]

/** A body of one of these types is one photo. */
const RAW_TYPES = /^(?:image\/|application\/octet-stream)/

export function registerPredictRoute(app: FastifyInstance, options: RouteOptions): void {
  const { limits } = options.config
  const readUrl = createUrlReader(options.config)
  app.addContentTypeParser(RAW_TYPES, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  // OpenAPI 3.1 describes bytes by the absence of a schema, and Fastify must not validate them as JSON.
  const photo = { schema: { description: 'The bytes of one photo' } } as const
  app.post<{ Querystring: PredictQuery }>(
    '/predict',
    {
      config: {
        scope: 'predict',
        modelOf: ({ query }) => (query as Partial<PredictQuery>).model,
      },
      schema: {
        tags: ['predictions'],
        summary: 'Name what is on photos',
        description:
          'A request with one photo is answered with its error status when the photo cannot be read. ' +
          'Among several photos a bad one has an error in its place and the status is 200.',
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: {
            model: {
              type: 'string',
              description:
                'Model that answers; without one the network answers with its own classes',
            },
            version: {
              type: 'string',
              description: 'Version of the model; without one its default answers',
            },
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
          200: json('One answer per photo', { type: 'array', items: refTo('Prediction') }),
          ...describeFailures(CODES),
        },
      },
    },
    async (request, reply) => {
      checkQuery(request.query)
      const photos = await readPhotos(request, limits, readUrl)
      const answers = await answerPhotos(reply, photos, request.query, options)
      return answers.map((answer) =>
        'error' in answer ? answer : toPrediction(answer, request.query.top),
      )
    },
  )
}

function checkQuery({ model, version }: PredictQuery): void {
  if (version === undefined || model !== undefined) return
  throw new VergerError(
    'request_invalid',
    `Expected model beside version in the query, received version=${version} alone`,
    { hint: `POST /predict?model=NAME&version=${encodeURIComponent(version)}` },
  )
}

/** Takes the photos out of any of the three forms. Throws when there are none or too many. */
async function readPhotos(
  request: FastifyRequest,
  limits: Limits,
  readUrl: ReadUrl,
): Promise<NamedPhoto[]> {
  const photos = await takePhotos(request, limits, readUrl)
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

async function takePhotos(
  request: FastifyRequest,
  limits: Limits,
  readUrl: ReadUrl,
): Promise<NamedPhoto[]> {
  if (request.isMultipart()) return [...(await readForm(request, limits)).photos]
  const { body } = request
  if (Buffer.isBuffer(body)) return [{ source: 'photo', read: () => body }]
  return photosOfJson((body ?? {}) as JsonBody, (url, signal) =>
    readUrl(url, request.holding, signal),
  )
}
