/** `POST /api/models/{model}/versions`: a version of uploaded files, or of what lies in a bucket. */
import type { FastifyInstance } from 'fastify'
import { provideBackbone } from '../../backbones/portable-backbones.ts'
import { parseBucketUrl } from '../../buckets/bucket-url.ts'
import { type BundleFiles, verifyBundle } from '../../bundles/verify-bundle.ts'
import { VergerError } from '../../core/errors.ts'
import { createVersion } from '../../deployment/create-version.ts'
import { isUrl } from '../../deployment/open-source.ts'
import { SCALING_NAMES, type ScalingName } from '../../importing/import-task.ts'
import { requireName } from '../../registry/names.ts'
import { describeOperation } from '../../registry/operation.ts'
import type { Labels } from '../../registry/registry.ts'
import { checkSettings } from '../../registry/settings.ts'
import type { BlobStore } from '../../store/blob-store.ts'
import { orderVersion } from '../operation-work.ts'
import type { RouteOptions } from '../route-options.ts'
import { HASH, OF_MODEL, type OfModel, VERSION_SETTINGS, WHY } from './model-schemas.ts'
import { modelOf, tag } from './models.ts'
import { describeFailures, json, refTo } from './schemas.ts'

interface NewVersionBody {
  readonly name?: string
  readonly files?: Readonly<Record<string, string>>
  readonly backboneFiles?: Readonly<Record<string, string>>
  readonly from?: string
  readonly facts?: {
    readonly labels?: readonly string[]
    readonly scaling?: ScalingName
    readonly licence?: string
  }
  readonly description?: string
  readonly labels?: Labels
  readonly setDefault?: boolean
  readonly why?: string
}

const FILES = { type: 'object', additionalProperties: HASH } as const

const BODY = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', description: 'By default the next of v1, v2, …' },
    files: {
      ...FILES,
      minProperties: 1,
      description: 'Name of each file of a bundle → SHA-256 of bytes that were put to /api/blobs',
    },
    backboneFiles: {
      ...FILES,
      description: 'Like files, of its backbone, where this server may not have it',
    },
    from: {
      type: 'string',
      description:
        'In place of files: gs://bucket/prefix or s3://bucket/prefix, which the server fetches',
    },
    facts: {
      type: 'object',
      additionalProperties: false,
      description: 'What a classifier that was made elsewhere does not tell itself',
      properties: {
        labels: { type: 'array', items: { type: 'string' }, description: 'Names of its classes' },
        scaling: {
          type: 'string',
          enum: SCALING_NAMES,
          description: 'How levels of 0 to 255 enter the network',
        },
        licence: { type: 'string' },
      },
    },
    ...VERSION_SETTINGS,
    setDefault: {
      type: 'boolean',
      description: 'Let it answer from now on; the first version of a model does anyway',
    },
    why: WHY,
  },
  examples: [
    {
      name: 'v1',
      files: {
        'bundle.json': '12fa52f2c0f05984512fea3718905788bfe633e56df1ca9f26b1756bae6a8712',
        'head.safetensors': '4d9e3d932978e9593975da0507bdf4c29ac0c2228fdd00e59b549a03ed9b6419',
        'golden.safetensors': '30fce776210480fd615187b9a408b3805c2a1d38e0f8a0726a2405a01871b6a9',
      },
    },
  ],
} as const

export function registerCreateVersionRoute(
  app: FastifyInstance,
  { host, home, config, runner }: RouteOptions,
): void {
  app.post<{ Params: OfModel; Body: NewVersionBody }>(
    '/api/models/:model/versions',
    {
      config: {
        scope: 'manage',
        modelOf,
        action: ({ body }) =>
          isOfBucket(body as NewVersionBody | undefined) ? 'operation.start' : 'version.create',
      },
      schema: {
        tags: ['versions'],
        summary: 'Make a version of uploaded files, or of what lies in a bucket',
        description:
          'Of files, it answers once the version is read, tested and registered; a request that is given up is taken up by ' +
          'the next one with the same body. Of a bucket, it answers at once with the operation that fetches it, which goes on ' +
          'whatever becomes of the client or the server. The model is created where there is none.',
        params: OF_MODEL,
        body: BODY,
        response: {
          201: json('The version that was made of files', refTo('Version')),
          202: json('The operation that makes one of what lies in a bucket', refTo('Operation'), {
            headers: {
              Location: {
                type: 'string',
                description: 'Where the operation is: /api/operations/…',
              },
            },
          }),
          ...describeFailures([
            'name_invalid',
            'settings_invalid',
            'version_exists',
            'operation_running',
            'blob_unknown',
            'blob_damaged',
            'body_too_large',
            'bundle_incomplete',
            'bundle_damaged',
            'bundle_too_new',
            'bundle_self_test_failed',
            'backbone_differs',
            'backbone_unknown',
            'backbone_damaged',
            'bucket_url_invalid',
            'disk_full',
            'write_failed',
          ]),
        },
      },
    },
    async ({ params: { model }, body, caller }, reply) => {
      const { name, files, backboneFiles, from, facts = {}, ...settings } = body
      checkBody(body)
      const { registry, store } = await home.open()
      if (files === undefined) {
        requireName('model', model)
        if (name !== undefined) requireName('version', name)
        checkSettings(settings)
        const order = { from: from ?? '', facts, who: caller.name, ...settings }
        const operation = await runner.start(store, orderVersion(model, name, order))
        const location = `/api/operations/${encodeURIComponent(operation.id)}`
        return reply.code(202).header('location', location).send(describeOperation(operation))
      }
      const { blobs } = store
      const left = new AbortController()
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) left.abort(clientLeft())
      })
      const bundle = await readUploaded(files, blobs, config.limits.requestBytes)
      const { backbone } = verifyBundle(bundle)
      if (backboneFiles !== undefined) await requireBlobs(backboneFiles, blobs)
      await provideBackbone(backbone, { home: config.home, blobs, files: backboneFiles })
      const version = await createVersion(
        { registry, blobs, host, config },
        {
          ...{ model, from: bundle, who: caller.name, ...settings },
          ...(name === undefined ? {} : { version: name }),
        },
        { signal: left.signal },
      )
      const { defaultVersion } = await registry.getModel(model)
      void reply
        .code(201)
        .header('location', `/api/models/${encodeURIComponent(model)}/versions/${version.name}`)
      return { ...tag(reply, version), isDefault: defaultVersion === version.name }
    },
  )
}

const isOfBucket = (body: NewVersionBody | undefined): boolean => body?.from !== undefined

/** Throws `request_invalid` unless either files or a bucket are named, `bucket_url_invalid`. */
function checkBody({ files, from, backboneFiles, facts }: NewVersionBody): void {
  const fault =
    (files === undefined) === (from === undefined)
      ? `either files or from, received ${files === undefined ? 'none' : 'both'}`
      : from !== undefined && backboneFiles !== undefined
        ? 'backboneFiles beside files, received it beside from'
        : files !== undefined && facts !== undefined
          ? 'facts beside from, received it beside files'
          : from !== undefined && !isUrl(from)
            ? `in from gs://bucket/prefix or s3://bucket/prefix, received ${JSON.stringify(from)}`
            : undefined
  if (fault !== undefined) {
    throw new VergerError('request_invalid', `Expected in the body ${fault}`, {
      hint: 'Files of this machine are uploaded: verger versions create MODEL --from DIR --server URL',
    })
  }
  if (from !== undefined) parseBucketUrl(from)
}

/** The files of a bundle, which are small, as long as they are together no larger than a body may be. */
async function readUploaded(
  files: Readonly<Record<string, string>>,
  blobs: BlobStore,
  maxBytes: number,
): Promise<BundleFiles> {
  await requireBlobs(files, blobs)
  let sizeBytes = 0
  const read = new Map<string, Uint8Array>()
  for (const [name, sha256] of Object.entries(files)) {
    const pieces: Uint8Array[] = []
    for await (const piece of blobs.openRead(sha256)) {
      sizeBytes += piece.length
      if (sizeBytes > maxBytes) {
        throw new VergerError(
          'body_too_large',
          `Expected a bundle of at most ${maxBytes} bytes, received more`,
          { hint: 'Raise VERGER_MAX_REQUEST_BYTES.', details: { maxBytes } },
        )
      }
      pieces.push(piece)
    }
    read.set(name, Buffer.concat(pieces))
  }
  return read
}

async function requireBlobs(
  files: Readonly<Record<string, string>>,
  blobs: BlobStore,
): Promise<void> {
  const missing: string[] = []
  for (const [name, sha256] of Object.entries(files)) {
    if (!(await blobs.has(sha256))) missing.push(`${name} (${sha256})`)
  }
  if (missing.length === 0) return
  throw new VergerError(
    'blob_unknown',
    `Expected files that were uploaded, found no bytes of ${missing.join(', ')}`,
    { hint: 'PUT /api/blobs/{sha256} sends them.' },
  )
}

const clientLeft = (): VergerError =>
  new VergerError('request_timeout', 'Expected a client that waits for its answer, it left')
