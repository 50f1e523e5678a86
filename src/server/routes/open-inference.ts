/**
 * `/v2…`: the Open Inference Protocol over HTTP, with the binary, classification and repository extensions
 * (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md,
 * https://github.com/triton-inference-server/server/tree/main/docs/protocol).
 */
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import { VergerError } from '../../core/errors.ts'
import { formatErrorsBelow } from '../error-forms.ts'
import { formatInferenceError, textOfError } from '../open-inference/errors.ts'
import { JSON_LENGTH_HEADER, parseInferBody } from '../open-inference/http-request.ts'
import { encodeResponse } from '../open-inference/http-response.ts'
import { describeConfig } from '../open-inference/model-config.ts'
import { createInferenceService, type InferenceService } from '../open-inference/service.ts'
import type { InferenceStatistics } from '../open-inference/statistics.ts'
import type { RouteOptions } from '../route-options.ts'
import { showValue } from '../show-value.ts'
import { bodyOf, registerForeignProtocol, sendJson, TEXT_ERRORS } from './foreign-protocol.ts'

const tags = ['open-inference']

interface Path {
  readonly model: string
  readonly version?: string
}

/** The version that answers, or one by its name. */
const TARGETS = [
  { path: '/v2/models/:model', of: 'the version that answers' },
  { path: '/v2/models/:model/versions/:version', of: 'a version' },
] as const

const PROPERTIES = {
  model: { type: 'string', description: 'Name of the model' },
  version: { type: 'string', description: 'Its version: `v3`, or `3` for it' },
} as const

const modelOf = ({ params }: FastifyRequest): string => (params as Path).model

const describeRoute = (summary: string, path: string, ok: string): FastifySchema => ({
  tags,
  summary,
  params: {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(PROPERTIES).filter(([name]) => path.includes(`:${name}`)),
    ),
  },
  response: {
    200: { description: ok },
    ...TEXT_ERRORS,
  },
})

export interface OpenInferenceOptions {
  /** Resolves once every worker has loaded the network. */
  readonly warming: Promise<void>
  /** Fires when the server takes no new requests. */
  readonly stopping: AbortSignal
  readonly statistics: InferenceStatistics
}

export async function registerOpenInference(
  app: FastifyInstance,
  options: RouteOptions,
  { warming, stopping, statistics }: OpenInferenceOptions,
): Promise<void> {
  formatErrorsBelow(app, '/v2', formatInferenceError)
  const service = createInferenceService(options)
  await registerForeignProtocol(app, options.config.limits.requestBytes, (api) => {
    registerServer(api, service, { warming, stopping })
    registerRepository(api, service)
    for (const target of TARGETS) {
      registerModel(api, target, service)
      registerStatistics(api, target.path, statistics)
    }
    registerStatistics(api, '/v2/models', statistics)
    registerMissing(api)
  })
}

function registerServer(
  api: FastifyInstance,
  service: InferenceService,
  { warming, stopping }: Pick<OpenInferenceOptions, 'warming' | 'stopping'>,
): void {
  let isWarm = false
  warming.then(
    () => {
      isWarm = true
    },
    () => {},
  )
  const isReady = () => isWarm && !stopping.aborted
  api.get(
    '/v2',
    {
      config: { scope: 'read', isFiltered: true },
      schema: describeRoute('The name of the server and the extensions that it has', '', 'Both'),
    },
    async (_request, reply) => sendJson(reply, service.describeServer()),
  )
  // Clients read one word or the other, or the status alone.
  api.get(
    '/v2/health/live',
    { config: { isOpen: true }, schema: describeRoute('Whether the process answers', '', 'Yes') },
    async (_request, reply) => sendJson(reply, { live: true, ready: isReady() }),
  )
  api.get(
    '/v2/health/ready',
    {
      config: { isOpen: true },
      schema: describeRoute('Whether photos are answered without a delay', '', 'Yes'),
    },
    async (_request, reply) =>
      sendJson(reply.code(isReady() ? 200 : 503), { live: true, ready: isReady() }),
  )
  api.get(
    '/v2/models',
    {
      config: { scope: 'read', isFiltered: true },
      schema: describeRoute('The names of the models', '', '`{"models": […]}`'),
    },
    async ({ caller }, reply) => sendJson(reply, { models: await service.listModels(caller) }),
  )
}

function registerModel(
  api: FastifyInstance,
  { path, of }: (typeof TARGETS)[number],
  service: InferenceService,
): void {
  const config = { scope: 'read', modelOf } as const
  api.get(
    path,
    { config, schema: describeRoute(`What ${of} takes and gives`, path, 'Its tensors') },
    async ({ params }, reply) => {
      const { model, version } = params as Path
      return sendJson(reply, await service.describeModel(model, version))
    },
  )
  api.get(
    `${path}/ready`,
    { config, schema: describeRoute(`Whether ${of} is ready; loads it`, path, 'It is') },
    async ({ params }, reply) => {
      const { model, version } = params as Path
      const fault = await service.findFault(model, version)
      if (fault === undefined) return sendJson(reply, { name: model, ready: true })
      const body = { name: model, ready: false, error: textOfError(fault) }
      return sendJson(reply.code(503), body)
    },
  )
  api.get(
    `${path}/config`,
    { config, schema: describeRoute(`What Triton calls the configuration of ${of}`, path, 'It') },
    async ({ params }, reply) => {
      const { model, version } = params as Path
      return sendJson(reply, describeConfig(await service.describeModel(model, version)))
    },
  )
  api.post(
    `${path}/infer`,
    {
      config: { scope: 'predict', modelOf },
      schema: {
        ...describeRoute(`Let ${of} name photos`, path, 'The outputs that were asked for'),
        headers: {
          type: 'object',
          properties: {
            [JSON_LENGTH_HEADER]: {
              type: 'string',
              description: 'Bytes of JSON, where the bytes of tensors follow',
            },
          },
        },
        body: {
          content: {
            'application/json': {
              schema: {
                description:
                  'One input: image_bytes or image_base64 (BYTES, [photos]), or image (levels 0 to 255, [photos,height,width,3] or [photos,3,height,width])',
              },
            },
            'application/octet-stream': { schema: { description: 'JSON with bytes behind it' } },
          },
        },
      },
    },
    async (request, reply) => {
      const { model, version } = request.params as Path
      const length = request.headers[JSON_LENGTH_HEADER]
      const body = parseInferBody(bodyOf(request), length === undefined ? length : String(length))
      const asked = { model, ...(version === undefined ? {} : { version }), ...body }
      const { body: bytes, jsonLength } = encodeResponse(await service.infer(reply, asked), body)
      if (jsonLength === undefined) return reply.type('application/json').send(bytes)
      void reply.header(JSON_LENGTH_HEADER, jsonLength)
      return reply.type('application/octet-stream').send(bytes)
    },
  )
}

function registerStatistics(
  api: FastifyInstance,
  path: string,
  statistics: InferenceStatistics,
): void {
  api.get(
    `${path}/stats`,
    {
      config: path.includes(':model')
        ? { scope: 'read', modelOf }
        : { scope: 'read', isFiltered: true },
      schema: describeRoute(
        'How many photos were answered, and how long it took',
        path,
        'By version',
      ),
    },
    async ({ caller, params }, reply) => {
      const { model, version } = params as Partial<Path>
      return sendJson(reply, { model_stats: await statistics.list(caller, model, version) })
    },
  )
}

function registerRepository(api: FastifyInstance, service: InferenceService): void {
  api.post(
    '/v2/repository/index',
    {
      config: { scope: 'read', isFiltered: true },
      schema: describeRoute('Every version, and whether it is in memory', '', 'The versions'),
    },
    async (request, reply) => {
      const { ready = false } = optionsOf(request)
      return sendJson(reply, await service.listVersions(request.caller, ready === true))
    },
  )
  const path = '/v2/repository/models/:model'
  api.post(
    `${path}/load`,
    {
      config: { scope: 'manage', action: 'model.load', modelOf },
      schema: describeRoute('Load the version that answers, and test it', path, 'It is loaded'),
    },
    async (request, reply) => {
      const { parameters = {} } = optionsOf(request)
      await service.load(modelOf(request), parameters as Readonly<Record<string, unknown>>)
      return sendJson(reply, {})
    },
  )
  api.post(
    `${path}/unload`,
    {
      config: { scope: 'manage', action: 'model.unload', modelOf },
      schema: describeRoute(
        'Take all versions of a model out of memory, until they are asked for',
        path,
        'They are out',
      ),
    },
    async (request, reply) => {
      await service.unload(modelOf(request))
      return sendJson(reply, {})
    },
  )
}

/** What clients of Triton may ask for and Verger has not. */
function registerMissing(api: FastifyInstance): void {
  const missing = [
    ['/v2/systemsharedmemory/*', 'shared memory: send tensors with the request'],
    ['/v2/cudasharedmemory/*', 'shared memory: send tensors with the request'],
    ['/v2/trace/setting', 'trace settings'],
    ['/v2/models/:model/trace/setting', 'trace settings'],
    ['/v2/logging', 'log settings for clients: VERGER_LOG_LEVEL sets the level'],
  ] as const
  for (const [url, what] of missing) {
    api.route({
      method: ['GET', 'POST'],
      url,
      config: { scope: 'read', isFiltered: true },
      schema: { hide: true },
      handler: async ({ method, url: asked }) => {
        throw new VergerError('route_unknown', `Nothing answers ${method} ${asked}`, {
          hint: `Verger has no ${what}.`,
        })
      },
    })
  }
}

/** The JSON object of a body that may be missing. */
function optionsOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const bytes = bodyOf(request)
  if (bytes.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    throw new VergerError('request_invalid', `Expected JSON: ${String(error)}`, { cause: error })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new VergerError('request_invalid', `Expected a JSON object, received ${showValue(value)}`)
}
