/** The uploaded files: listed, described, given back, deleted. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import {
  deleteStaged,
  getStaged,
  listStaged,
  type StagedObject,
} from '../../../registry/staged-objects.ts'
import type { RouteOptions } from '../../route-options.ts'
import { pageOf, parsePage } from '../cloudml/pages.ts'
import { hide, MAY_MANAGE, objectUri } from './storage-access.ts'
import { describeObject, originOf } from './storage-resources.ts'

interface BucketParams {
  readonly bucket: string
}

interface ObjectParams extends BucketParams {
  readonly '*': string
}

interface ListQuery {
  readonly prefix?: string
  readonly delimiter?: string
  readonly maxResults?: string
  readonly pageToken?: string
}

export function registerObjects(app: FastifyInstance, { home }: RouteOptions): void {
  const find = async () => {
    const opened = await home.find()
    if (opened !== undefined) return opened.store
    throw new VergerError('staged_unknown', 'Expected an uploaded file, nothing was uploaded yet')
  }

  app.get<{ Params: BucketParams; Querystring: ListQuery }>(
    '/storage/v1/b/:bucket/o',
    { config: MAY_MANAGE, ...hide },
    async (request) => {
      const { params, query } = request
      const { prefix = '', delimiter, maxResults, pageToken } = query
      const page = parsePage(
        { pageSize: maxResults ?? '1000', ...(pageToken === undefined ? {} : { pageToken }) },
        1000,
      )
      const opened = await home.find()
      const objects =
        opened === undefined ? [] : await listStaged(opened.store, params.bucket, prefix)
      const folderOf = ({ name }: StagedObject): string | undefined => {
        const at = delimiter ? name.indexOf(delimiter, prefix.length) : -1
        return at < 0 ? undefined : name.slice(0, at + (delimiter ?? '').length)
      }
      const folders = [...new Set(objects.flatMap((object) => folderOf(object) ?? []))]
      const items = objects.filter((object) => folderOf(object) === undefined)
      return {
        kind: 'storage#objects',
        ...(folders.length === 0 ? {} : { prefixes: folders }),
        ...pageOf(items, page, {
          name: 'items',
          keyOf: ({ name }) => name,
          show: (object) => describeObject(object, originOf(request)),
        }),
      }
    },
  )

  for (const prefix of ['/storage', '/download/storage']) {
    const url = `${prefix}/v1/b/:bucket/o/*`
    app.get<{ Params: ObjectParams; Querystring: { alt?: string } }>(
      url,
      { config: MAY_MANAGE, ...hide },
      async (request, reply) => {
        const { params, query } = request
        const store = await find()
        const object = await getStaged(store, params.bucket, params['*'])
        if (query.alt !== 'media') return describeObject(object, originOf(request))
        return reply
          .type('application/octet-stream')
          .header('content-length', object.sizeBytes)
          .header('x-content-type-options', 'nosniff')
          .send(Readable.from(store.blobs.openRead(object.sha256)))
      },
    )
  }

  app.delete<{ Params: ObjectParams }>(
    '/storage/v1/b/:bucket/o/*',
    { config: { ...MAY_MANAGE, action: 'object.delete', targetOf: objectUri }, ...hide },
    async ({ params }, reply) => {
      await deleteStaged(await find(), params.bucket, params['*'])
      return reply.code(204).send()
    },
  )
}
