/**
 * The calls of Cloud Storage's JSON API that carry a folder to this server, so that `gcloud … versions create --origin ./dir
 * --staging-bucket gs://…` needs no bucket (https://cloud.google.com/storage/docs/json_api/v1). Files are kept for a week;
 * see `registry/staged-objects.ts`.
 */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { VergerError } from '../../../core/errors.ts'
import {
  addPart,
  addUpload,
  deleteStaged,
  getStaged,
  getUpload,
  listStaged,
  listStagedBuckets,
  putStaged,
  removeUpload,
  type StagedObject,
  type StagedUpload,
} from '../../../registry/staged-objects.ts'
import type { Store } from '../../../store/store.ts'
import { type FormatError, formatErrorsBelow } from '../../error-forms.ts'
import type { RouteOptions } from '../../route-options.ts'
import { toCloudError } from '../cloudml/cloud-error.ts'
import { pageOf, parsePage } from '../cloudml/pages.ts'
import { receiveFile } from './incoming.ts'
import { parseRelated } from './multipart-related.ts'

interface BucketParams {
  readonly bucket: string
}

interface ObjectParams extends BucketParams {
  readonly '*': string
}

interface UploadQuery {
  readonly uploadType?: string
  readonly name?: string
  readonly upload_id?: string
}

interface ListQuery {
  readonly prefix?: string
  readonly delimiter?: string
  readonly maxResults?: string
  readonly pageToken?: string
}

const formatStorageError: FormatError = (error, status) => {
  const { http, message, status: rpc } = toCloudError(error, status)
  const reason = rpc === 'NOT_FOUND' ? 'notFound' : rpc === 'INVALID_ARGUMENT' ? 'invalid' : rpc
  const errors = [{ message, domain: 'global', reason }]
  return { status: http, body: { error: { code: http, message, errors } } }
}

/** Uploading is part of deploying; a token that is for some models may do it, and sees nobody's files. */
const MAY_UPLOAD = { scope: 'manage', isFiltered: true } as const
const MAY_MANAGE = { scope: 'manage' } as const
const hide = { schema: { hide: true } } as const

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

type UploadRequest = FastifyRequest<{ Params: BucketParams; Querystring: UploadQuery }>

function registerUploads(app: FastifyInstance, options: RouteOptions): void {
  for (const prefix of ['/upload', '/resumable/upload']) {
    const url = `${prefix}/storage/v1/b/:bucket/o`
    const upload = async (request: UploadRequest, reply: FastifyReply) =>
      answerUpload(request, reply, options)
    app.post(url, { config: MAY_UPLOAD, ...hide }, upload)
    app.put(url, { config: MAY_UPLOAD, ...hide }, upload)
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
    const body = await readAll(request.body)
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
  const metadata = await readMetadata(request.body)
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

/** `bytes 0-99/200`, `bytes 0-99/*` while the size is not known, and `bytes * /200` to ask how far it is. */
const RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/

async function continueUpload(
  request: UploadRequest,
  reply: FastifyReply,
  store: Store,
  home: string,
): Promise<unknown> {
  const upload = await getUpload(store, request.query.upload_id ?? '')
  const header = request.headers['content-range']
  const [range, first, , size] = RANGE.exec(header ?? '') ?? []
  if (header !== undefined && range === undefined) {
    throw new VergerError(
      'request_invalid',
      `Expected Content-Range: bytes FIRST-LAST/SIZE, received ${header}`,
    )
  }
  const heldBytes = sizeOf(upload)
  const end = async (object: StagedObject) => {
    await removeUpload(store, upload.id)
    return describeObject(object, originOf(request))
  }
  if (header !== undefined && first === undefined) {
    await drain(request.body)
    const isWhole = size !== undefined && Number(size) === heldBytes
    return isWhole ? end(await assemble(store, upload, home)) : sayHeld(reply, heldBytes)
  }
  if (Number(first ?? 0) !== heldBytes) {
    // Parts that came already, or that leave a gap: the answer says where to go on.
    await drain(request.body)
    return sayHeld(reply, heldBytes)
  }
  return receiveFile(piecesOf(request.body), home, async (file) => {
    const grown = file.sizeBytes === 0 ? upload : await addPart(store, upload, file)
    const held = sizeOf(grown)
    const isLast = header === undefined || (size !== '*' && Number(size) === held)
    if (!isLast) return sayHeld(reply, held)
    const isOnlyPart = upload.parts.length === 0
    return end(
      isOnlyPart ? await putStaged(store, upload, file) : await assemble(store, grown, home),
    )
  })
}

/** 308 tells an upload that goes on how much of it is here (RFC 9110 knows it as Permanent Redirect). */
function sayHeld(reply: FastifyReply, heldBytes: number): FastifyReply {
  if (heldBytes > 0) void reply.header('range', `bytes=0-${heldBytes - 1}`)
  return reply.code(308).send()
}

const sizeOf = ({ parts }: StagedUpload): number =>
  parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** Makes one file of the parts. */
async function assemble(store: Store, upload: StagedUpload, home: string): Promise<StagedObject> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const { sha256 } of upload.parts) yield* store.blobs.openRead(sha256)
  }
  return receiveFile(pieces(), home, (file) => putStaged(store, upload, file))
}

function registerObjects(app: FastifyInstance, { home }: RouteOptions): void {
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
    { config: MAY_MANAGE, ...hide },
    async ({ params }, reply) => {
      await deleteStaged(await find(), params.bucket, params['*'])
      return reply.code(204).send()
    },
  )
}

/** Every bucket is there, and empty until something is put into it. */
function registerBuckets(app: FastifyInstance, { home }: RouteOptions): void {
  app.get('/storage/v1/b', { config: MAY_MANAGE, ...hide }, async () => {
    const opened = await home.find()
    const names = opened === undefined ? [] : await listStagedBuckets(opened.store)
    return {
      kind: 'storage#buckets',
      ...(names.length === 0 ? {} : { items: names.map(describeBucket) }),
    }
  })

  app.post('/storage/v1/b', { config: MAY_UPLOAD, ...hide }, async ({ body }) => {
    const { name } = await readMetadata(body)
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

/** As `gs://` URIs hold them (https://cloud.google.com/storage/docs/buckets#naming). */
function requireBucketName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(name)) return
  throw new VergerError(
    'request_invalid',
    `Expected the name of a bucket, 3 characters or more of a-z, 0-9, -, _ and ., received ${JSON.stringify(name)}`,
  )
}

/** Bytes of a name, as Cloud Storage bounds them. */
const MAX_NAME_BYTES = 1024

/** A path that stays below a folder, since the files are laid into one when a version is made of them. */
function requireObjectName(name: unknown): string {
  const isPath =
    typeof name === 'string' &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES &&
    !name.includes('\0') &&
    !name.includes('\\') &&
    name.split('/').every((each) => each !== '' && each !== '.' && each !== '..')
  if (isPath) return name
  throw new VergerError(
    'request_invalid',
    `Expected the name of a file, such as models/v1/saved_model.pb, received ${JSON.stringify(name)}`,
  )
}

function describeObject(object: StagedObject, origin: string): object {
  const { bucket, name, sizeBytes, contentType, md5, putAt } = object
  const generation = String(Date.parse(putAt) * 1000)
  const path = `storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${origin}/${path}`,
    mediaLink: `${origin}/download/${path}?alt=media`,
    bucket,
    name,
    generation,
    metageneration: '1',
    contentType,
    storageClass: 'STANDARD',
    size: String(sizeBytes),
    md5Hash: md5,
    etag: md5,
    timeCreated: putAt,
    updated: putAt,
  }
}

const describeBucket = (name: string): object => ({
  kind: 'storage#bucket',
  id: name,
  name,
  location: 'US-CENTRAL1',
  locationType: 'region',
  storageClass: 'STANDARD',
  metageneration: '1',
  etag: 'CAE=',
})

/** What `gcloud storage` asks before it copies a folder. */
const describeLayout = (bucket: string): object => ({
  kind: 'storage#storageLayout',
  bucket,
  location: 'US-CENTRAL1',
  locationType: 'region',
  hierarchicalNamespace: { enabled: false },
})

const originOf = ({ protocol, host }: FastifyRequest): string => `${protocol}://${host}`

const piecesOf = (body: unknown): AsyncIterable<Uint8Array> =>
  body instanceof Readable ? body : Readable.from([])

async function readAll(body: unknown): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(body)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function drain(body: unknown): Promise<void> {
  for await (const _piece of piecesOf(body));
}

async function readMetadata(body: unknown): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readAll(body)).toString()
  try {
    const metadata: unknown = JSON.parse(text === '' ? '{}' : text)
    if (typeof metadata === 'object' && metadata !== null) return { ...metadata }
  } catch {
    // Told below.
  }
  throw new VergerError('request_invalid', 'Expected a JSON object that describes the file')
}
