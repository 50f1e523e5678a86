/** The buckets of uploaded files. */
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import { listStagedBuckets } from '../../../registry/staged-objects.ts'
import type { RouteOptions } from '../../route-options.ts'
import { readMetadata } from './read-body.ts'
import { hide, MAY_MANAGE, MAY_UPLOAD } from './storage-access.ts'
import { requireBucketName } from './storage-names.ts'
import { describeBucket, describeLayout } from './storage-resources.ts'

interface BucketParams {
  readonly bucket: string
}

/** Every bucket is there, and empty until something is put into it. */
export function registerBuckets(app: FastifyInstance, { home }: RouteOptions): void {
  app.get('/storage/v1/b', { config: MAY_MANAGE, ...hide }, async () => {
    const opened = await home.find()
    const names = opened === undefined ? [] : await listStagedBuckets(opened.store)
    return {
      kind: 'storage#buckets',
      ...(names.length === 0 ? {} : { items: names.map(describeBucket) }),
    }
  })

  app.post('/storage/v1/b', { config: MAY_UPLOAD, ...hide }, async ({ body, holding }) => {
    const { name } = await readMetadata(body, holding)
    if (typeof name !== 'string') {
      throw new VergerError('request_invalid', 'Expected a name for the bucket, received none')
    }
    requireBucketName(name)
    return describeBucket(name)
  })

  app.get<{ Params: BucketParams }>(
    '/storage/v1/b/:bucket',
    { config: MAY_UPLOAD, ...hide },
    async ({ params }) => {
      requireBucketName(params.bucket)
      return describeBucket(params.bucket)
    },
  )

  app.get<{ Params: BucketParams }>(
    '/storage/v1/b/:bucket/storageLayout',
    { config: MAY_UPLOAD, ...hide },
    async ({ params }) => {
      requireBucketName(params.bucket)
      return describeLayout(params.bucket)
    },
  )
}
