/** Files on their way in: whole with their description, whole alone, or in parts. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import { addUpload, putStaged, type StagedObject } from '../../../registry/staged-objects.ts'
import type { RouteOptions } from '../../route-options.ts'
import { receiveFile } from './incoming.ts'
import { parseRelated } from './multipart-related.ts'
import { piecesOf, readAll, readMetadata } from './read-body.ts'
import { continueUpload } from './resumable-upload.ts'
import { hide, MAY_UPLOAD, objectUri } from './storage-access.ts'
import { requireBucketName, requireObjectName } from './storage-names.ts'
import { describeObject, originOf } from './storage-resources.ts'

interface UploadQuery {
  readonly uploadType?: string
  readonly name?: string
  readonly upload_id?: string
}

export type UploadRequest = FastifyRequest<{
  Params: { readonly bucket: string }
  Querystring: UploadQuery
}>

export function registerUploads(app: FastifyInstance, options: RouteOptions): void {
  for (const prefix of ['/upload', '/resumable/upload']) {
    const url = `${prefix}/storage/v1/b/:bucket/o`
    const upload = async (request: UploadRequest, reply: FastifyReply) =>
      answerUpload(request, reply, options)
    const config = { ...MAY_UPLOAD, action: 'object.put', targetOf: objectUri }
    app.post(url, { config, ...hide }, upload)
    app.put(url, { config, ...hide }, upload)
  }
}

async function answerUpload(
  request: UploadRequest,
  reply: FastifyReply,
  { home, config }: RouteOptions,
): Promise<unknown> {
  const { bucket } = request.params
  const { uploadType, name, upload_id: uploadId } = request.query
  requireBucketName(bucket)
  const describe = (object: StagedObject) => describeObject(object, originOf(request))
  const { store } = await home.open()
  if (uploadId !== undefined) return continueUpload(request, reply, store, config.home)
  if (uploadType === 'multipart') {
    const body = await readAll(request.body, request.holding)
    const { metadata, contentType, bytes } = parseRelated(
      request.headers['content-type'] ?? '',
      body,
    )
    const target = requireObjectName(name ?? metadata['name'])
    return receiveFile(Readable.from([bytes]), config.home, async (file) =>
      describe(await putStaged(store, { bucket, name: target, contentType }, file)),
    )
  }
  if (uploadType === 'media') {
    const contentType = request.headers['content-type'] ?? 'application/octet-stream'
    const target = requireObjectName(name)
    return receiveFile(piecesOf(request.body), config.home, async (file) =>
      describe(await putStaged(store, { bucket, name: target, contentType }, file)),
    )
  }
  if (uploadType !== 'resumable') {
    throw new VergerError(
      'request_invalid',
      `Expected uploadType=multipart, media or resumable, received ${uploadType ?? 'none'}`,
    )
  }
  const metadata = await readMetadata(request.body, request.holding)
  const upload = await addUpload(store, {
    bucket,
    name: requireObjectName(name ?? metadata['name']),
    contentType: String(
      request.headers['x-upload-content-type'] ??
        metadata['contentType'] ??
        'application/octet-stream',
    ),
  })
  const query = `uploadType=resumable&upload_id=${upload.id}`
  return reply
    .header('location', `${originOf(request)}/upload/storage/v1/b/${bucket}/o?${query}`)
    .header('x-guploader-uploadid', upload.id)
    .send()
}
