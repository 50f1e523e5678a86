/** Probes and metrics. */
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../../core/errors.ts'
import type { RouteOptions } from '../route-options.ts'
import { LOAD_CODES } from './defaults.ts'
import { OF_MODEL, type OfModel } from './model-schemas.ts'
import { modelOf } from './models.ts'
import { describeFailures } from './schemas.ts'

const STATUS_SCHEMA = {
  type: 'object',
  properties: { status: { type: 'string' } },
  required: ['status'],
} as const

export function registerHealthRoutes(
  app: FastifyInstance,
  { host, metrics }: RouteOptions,
  { warming, stopping }: { readonly warming: Promise<void>; readonly stopping: AbortSignal },
): void {
  let isWarm = false
  warming.then(
    () => {
      isWarm = true
    },
    (error: unknown) => app.log.error({ err: error }, 'the workers did not start'),
  )

  app.get(
    '/healthz',
    {
      config: { isOpen: true },
      schema: {
        tags: ['server'],
        summary: 'Whether the process answers',
        response: { 200: { description: 'It does.', ...STATUS_SCHEMA } },
      },
    },
    async () => ({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    {
      config: { isOpen: true },
      schema: {
        tags: ['server'],
        summary: 'Whether the server takes photos',
        response: {
          200: {
            description: 'Every worker has loaded the network that ships with Verger.',
            ...STATUS_SCHEMA,
          },
          503: { description: 'The workers load, or the server stops.', ...STATUS_SCHEMA },
        },
      },
    },
    async (_request, reply) => {
      const status = stopping.aborted ? 'stopping' : isWarm ? 'ready' : 'starting'
      if (status !== 'ready') void reply.code(503)
      return { status }
    },
  )
  app.get<{ Params: OfModel; Querystring: { readonly version?: string } }>(
    '/readyz/:model',
    {
      config: { scope: 'predict', modelOf },
      schema: {
        tags: ['server'],
        summary:
          'Whether a model answers without a delay; loads its version where it is not loaded',
        params: OF_MODEL,
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { version: { type: 'string', description: 'By default its default' } },
        },
        response: {
          200: {
            description: 'The version is loaded and has passed its tests.',
            type: 'object',
            properties: {
              status: { type: 'string' },
              model: { type: 'string' },
              version: { type: 'string' },
            },
            required: ['status', 'model', 'version'],
          },
          ...describeFailures([
            'model_unknown',
            'model_has_no_version',
            'version_unknown',
            ...LOAD_CODES,
          ]),
        },
      },
    },
    async ({ params, query }) => {
      if (stopping.aborted) {
        throw new VergerError('server_closing', 'Expected a running server, it is stopping')
      }
      const { model, version } = await host.describe(params.model, query.version)
      return { status: 'ready', model, version }
    },
  )
  app.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['server'],
        summary: 'Metrics in the Prometheus text format',
        produces: ['text/plain'],
        response: {
          200: { description: 'Counters, gauges and histograms.', type: 'string' },
          ...describeFailures([]),
        },
      },
    },
    async (_request, reply) => {
      void reply.type(metrics.registry.contentType)
      return metrics.registry.metrics()
    },
  )
}
