/** `POST /api/models/{model}/corrections`: somebody says what a photo shows that a version named wrongly. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Limits } from '../../core/config.ts'
import { VergerError } from '../../core/errors.ts'
import { type PhotoPart, readForm } from '../multipart.ts'
import type { RouteOptions } from '../route-options.ts'
import { limitTime } from '../time-limit.ts'
import { OF_MODEL } from './model-schemas.ts'
import { PREDICT_CODES } from './predict.ts'
import { describeFailures, json } from './schemas.ts'

/** A label that the version does not know yet: longer ones are no names. */
const MAX_NEW_LABEL_LENGTH = 100

const CORRECTION_SCHEMA = {
  type: 'object',
  properties: {
    model: { type: 'string' },
    version: { type: 'string' },
    photoSha256: { type: 'string', description: 'SHA-256 of the bytes of the photo' },
    label: { type: 'string' },
    predicted: { type: 'string', description: 'What the version says' },
    score: { type: 'number', minimum: 0, maximum: 1, description: 'Probability of that' },
    createdAt: { type: 'string', format: 'date-time' },
  },
  required: ['model', 'version', 'photoSha256', 'label', 'predicted', 'score', 'createdAt'],
} as const

export function registerCorrectionRoute(
  app: FastifyInstance,
  { host, home, config: { limits } }: RouteOptions,
): void {
  app.post<{ Params: { readonly model: string } }>(
    '/api/models/:model/corrections',
    {
      config: {
        scope: 'predict',
        modelOf: ({ params }) => (params as { readonly model: string }).model,
      },
      schema: {
        tags: ['predictions'],
        summary: 'Keep a photo with its right label, for the next training',
        description:
          'Only where the owner of the model has opted in: verger models update MODEL --keep-corrections. ' +
          'The same photo sent again has the newer label.',
        params: OF_MODEL,
        body: {
          content: {
            'multipart/form-data': {
              schema: {
                description:
                  'One file part is the photo. The field version names the version that answered, ' +
                  `label what the photo shows: a label of the version, or a new one of at most ${MAX_NEW_LABEL_LENGTH} characters.`,
              },
            },
          },
        },
        response: {
          201: json('The photo is kept with its label', CORRECTION_SCHEMA),
          ...describeFailures([
            ...PREDICT_CODES,
            'corrections_off',
            'label_invalid',
            'content_type_unsupported',
            'body_too_large',
            'too_many_parts',
            'disk_full',
            'write_failed',
          ]),
        },
      },
    },
    async (request, reply) => {
      const { model } = request.params
      const { addCorrection } = await home.require(model)
      const { photo, version, label } = await readCorrection(request, limits)
      checkLabel(label, (await host.describe(model, version)).labels)
      const { source, read } = photo
      const bytes = read()
      const { signal, settle } = limitTime(reply, limits.deadlineMs)
      try {
        // What is no photo is not kept, and what the version said is not taken from hearsay.
        const { top } = await host.predict({ source, photo: bytes, model, version, signal })
        const [{ label: predicted, score } = { label: '', score: 0 }] = top
        const kept = await addCorrection({ model, version, photo: bytes, label, predicted, score })
        return reply.code(201).send(kept)
      } finally {
        settle()
      }
    },
  )
}

const HINT = 'With curl: -F version=v1 -F label=quince -F photo=@photo.jpg'

/** Throws `content_type_unsupported`, or `request_invalid` naming everything that is missing. */
async function readCorrection(
  request: FastifyRequest,
  limits: Limits,
): Promise<{ readonly photo: PhotoPart; readonly version: string; readonly label: string }> {
  if (!request.isMultipart()) {
    throw new VergerError(
      'content_type_unsupported',
      `Expected the content type multipart/form-data, received ${request.headers['content-type'] ?? 'none'}`,
      { hint: HINT },
    )
  }
  const { photos, fields } = await readForm(request, limits)
  const [photo] = photos
  const version = fields.get('version')
  const label = fields.get('label')
  if (photo !== undefined && photos.length === 1 && version !== undefined && label !== undefined) {
    return { photo, version, label: label.normalize('NFC').trim() }
  }
  const missing = [
    ...(photos.length === 1 ? [] : [`one photo, received ${photos.length}`]),
    ...(version === undefined ? ['the field version, received none'] : []),
    ...(label === undefined ? ['the field label, received none'] : []),
  ]
  throw new VergerError('request_invalid', `Expected ${missing.join('; ')}`, {
    hint: HINT,
  })
}

/** Throws `label_invalid`. */
function checkLabel(label: string, known: readonly string[]): void {
  if (known.includes(label)) return
  const isName = label !== '' && label.length <= MAX_NEW_LABEL_LENGTH && !/\p{Cc}/u.test(label)
  if (isName) return
  throw new VergerError(
    'label_invalid',
    `Expected a label of the version, or a new one of 1 to ${MAX_NEW_LABEL_LENGTH} characters in one line, received ${JSON.stringify(label.slice(0, MAX_NEW_LABEL_LENGTH))}`,
  )
}
