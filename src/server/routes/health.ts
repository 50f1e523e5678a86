/** Probes and metrics. */
import type { FastifyInstance } from 'fastify'
import type { RouteOptions } from '../route-options.ts'

const STATUS_SCHEMA = {
  type: 'object',
  properties: { status: { type: 'string' } },
  required: ['status'],
} as const

export function registerHealthRoutes(
  app: FastifyInstance,
  { metrics }: RouteOptions,
  warming: Promise<void>,
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
        summary: 'Whether photos are answered without a delay',
        response: {
          200: { description: 'Every worker has loaded the network.', ...STATUS_SCHEMA },
          503: { description: 'The workers are loading.', ...STATUS_SCHEMA },
        },
      },
    },
    async (_request, reply) => {
      if (!isWarm) void reply.code(503)
      return { status: isWarm ? 'ready' : 'starting' }
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
        response: { 200: { description: 'Counters, gauges and histograms.', type: 'string' } },
      },
    },
    async (_request, reply) => {
      void reply.type(metrics.registry.contentType)
      return metrics.registry.metrics()
    },
  )
}
