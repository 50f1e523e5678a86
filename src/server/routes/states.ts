/** `/api/states`: which versions this server has in memory. */
import type { FastifyInstance } from 'fastify'
import { maySee } from '../../registry/scopes.ts'
import { VERSION_STATES } from '../../serving/serving-host.ts'
import type { RouteOptions } from '../route-options.ts'
import { LOAD_CODES } from './defaults.ts'
import { OF_VERSION, type OfVersion } from './model-schemas.ts'
import { modelOf } from './models.ts'
import { describeFailures, json, refTo } from './schemas.ts'

const tags = ['server']

const STATE_SCHEMA = {
  type: 'object',
  properties: {
    model: { type: 'string' },
    version: { type: 'string' },
    state: { type: 'string', enum: VERSION_STATES },
    reason: { description: 'Why it failed', ...refTo('Error') },
    bytes: { type: 'integer', description: 'Memory that it takes beside its backbone' },
    lastUsedAt: { type: 'string', format: 'date-time' },
  },
  required: ['model', 'version', 'state', 'bytes', 'lastUsedAt'],
} as const

const DESCRIPTION_SCHEMA = {
  type: 'object',
  properties: {
    model: { type: 'string' },
    version: { type: 'string' },
    bundle: { type: 'string', description: 'SHA-256 of its bundle.json' },
    labels: { type: 'array', items: { type: 'string' }, description: 'What it can name' },
    backbone: { type: 'string', description: 'Network whose features it judges' },
    features: { type: 'integer', description: 'Numbers that the backbone makes of a photo' },
    inputSize: { type: 'integer', description: 'Side in pixels of what enters the network' },
  },
  required: ['labels', 'backbone', 'features', 'inputSize'],
} as const

export function registerStateRoutes(app: FastifyInstance, { host, home }: RouteOptions): void {
  app.get(
    '/api/states',
    {
      config: { scope: 'read', isFiltered: true },
      schema: {
        tags,
        summary: 'The versions that this server has in memory, loads, or could not load',
        response: {
          200: json('The states', { type: 'array', items: STATE_SCHEMA }),
          ...describeFailures([]),
        },
      },
    },
    async ({ caller }) => host.states().filter(({ model }) => maySee(caller, model)),
  )

  app.post<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version/load',
    {
      config: { scope: 'manage', action: 'version.load', modelOf },
      schema: {
        tags,
        summary: 'Load and test a version on this server before it is asked for',
        params: OF_VERSION,
        response: {
          200: json('What can answer now', DESCRIPTION_SCHEMA),
          ...describeFailures(['model_unknown', 'version_unknown', ...LOAD_CODES]),
        },
      },
    },
    async ({ params: { model, version } }) => host.describe(model, version),
  )

  app.post<{ Params: OfVersion }>(
    '/api/models/:model/versions/:version/unload',
    {
      config: { scope: 'manage', action: 'version.unload', modelOf },
      schema: {
        tags,
        summary: 'Give back the memory of a version; it is loaded again when it is asked for',
        params: OF_VERSION,
        response: {
          204: { description: 'It is not in memory any more', type: 'null' },
          ...describeFailures(['model_unknown', 'version_unknown']),
        },
      },
    },
    async ({ params: { model, version } }, reply) => {
      const { registry } = await home.require(model)
      await registry.resolveVersion(model, version)
      await host.unload(model, version)
      return reply.code(204).send()
    },
  )
}
