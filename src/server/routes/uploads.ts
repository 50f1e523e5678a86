/** `/api/blobs/{sha256}`: files of bundles before there is a version that has them. */
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../../core/errors.ts'
import type { RouteOptions } from '../route-options.ts'
import { describeFailures, json } from './schemas.ts'
import { receiveFile } from './storage/incoming.ts'

const tags = ['uploads']

const OF_BLOB = {
  type: 'object',
  properties: {
    sha256: {
      type: 'string',
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 of the bytes, in lower-case hexadecimal',
    },
  },
  required: ['sha256'],
} as const

interface OfBlob {
  readonly sha256: string
}

export async function registerUploadRoutes(
  app: FastifyInstance,
  { home, config }: RouteOptions,
): Promise<void> {
  app.get<{ Params: OfBlob }>(
    '/api/blobs/:sha256',
    {
      config: { scope: 'manage', isFiltered: true },
      schema: {
        tags,
        summary: 'Whether these bytes are here; HEAD tells it too',
        params: OF_BLOB,
        response: {
          200: json('They are; they need not be sent', {
            type: 'object',
            properties: OF_BLOB.properties,
            required: OF_BLOB.required,
          }),
          ...describeFailures(['blob_unknown']),
        },
      },
    },
    async ({ params: { sha256 } }) => {
      const opened = await home.find()
      if (opened !== undefined && (await opened.store.blobs.has(sha256))) return { sha256 }
      throw new VergerError(
        'blob_unknown',
        `Expected bytes with the SHA-256 ${sha256}, found none`,
        {
          hint: `PUT /api/blobs/${sha256} sends them.`,
        },
      )
    },
  )

  // Bytes go to a file as they come, and are no photo.
  await app.register(async (streams) => {
    streams.removeAllContentTypeParsers()
    streams.addContentTypeParser('*', (_request, body, done) => done(null, body))
    streams.put<{ Params: OfBlob; Body: AsyncIterable<Uint8Array> | undefined }>(
      '/api/blobs/:sha256',
      {
        config: {
          scope: 'manage',
          isFiltered: true,
          isStreamed: true,
          action: 'blob.put',
          targetOf: ({ params }) => (params as OfBlob).sha256,
        },
        schema: {
          tags,
          summary: 'Keep bytes, for a version that is made of them',
          description:
            'Bytes that no version has are removed after an hour at the earliest. Sending them again is no fault, so an ' +
            'upload of many files goes on where it was cut: HEAD tells which are missing. VERGER_MAX_REQUEST_BYTES bounds them.',
          params: OF_BLOB,
          body: {
            content: {
              'application/octet-stream': { schema: { description: 'The bytes' } },
            },
          },
          response: {
            201: json('They are kept', {
              type: 'object',
              properties: { sha256: OF_BLOB.properties.sha256, sizeBytes: { type: 'integer' } },
              required: ['sha256', 'sizeBytes'],
            }),
            ...describeFailures(['upload_damaged', 'body_too_large', 'disk_full', 'write_failed']),
          },
        },
      },
      async ({ params: { sha256 }, body = emptyBody() }, reply) => {
        const { store } = await home.open()
        const sizeBytes = await receiveFile(body, config.home, async (file) => {
          if (file.sha256 !== sha256) throw damaged(sha256, file)
          await store.blobs.putFile(file.path, { sha256 })
          return file.sizeBytes
        })
        return reply.code(201).send({ sha256, sizeBytes })
      },
    )
  })
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

function damaged(
  expected: string,
  { sha256, sizeBytes }: { readonly sha256: string; readonly sizeBytes: number },
): VergerError {
  return new VergerError(
    'upload_damaged',
    `Expected bytes with the SHA-256 ${expected}, received ${sizeBytes} with ${sha256}`,
    { hint: 'Send the whole file; the name of a blob is the hash of its bytes.' },
  )
}
