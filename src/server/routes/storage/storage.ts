/**
 * The calls of Cloud Storage's JSON API that carry a folder to this server, so that `gcloud … versions create --origin ./dir
 * --staging-bucket gs://…` needs no bucket (https://cloud.google.com/storage/docs/json_api/v1). Files are kept for a week;
 * see `registry/staged-objects.ts`.
 */
import type { FastifyInstance } from 'fastify'
import { type FormatError, formatErrorsBelow } from '../../error-forms.ts'
import type { RouteOptions } from '../../route-options.ts'
import { toCloudError } from '../cloudml/cloud-error.ts'
import { registerBuckets } from './bucket-routes.ts'
import { registerObjects } from './object-routes.ts'
import { registerUploads } from './upload-routes.ts'

const formatStorageError: FormatError = (error, status) => {
  const { http, message, status: rpc } = toCloudError(error, status)
  const reason = rpc === 'NOT_FOUND' ? 'notFound' : rpc === 'INVALID_ARGUMENT' ? 'invalid' : rpc
  const errors = [{ message, domain: 'global', reason }]
  return { status: http, body: { error: { code: http, message, errors } } }
}

export async function registerStorageRoutes(
  app: FastifyInstance,
  options: RouteOptions,
): Promise<void> {
  for (const prefix of ['/storage', '/upload/storage', '/resumable/upload', '/download/storage']) {
    formatErrorsBelow(app, prefix, formatStorageError)
  }
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Bodies are read by their routes.
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
    registerUploads(scope, options)
    registerObjects(scope, options)
    registerBuckets(scope, options)
  })
}
