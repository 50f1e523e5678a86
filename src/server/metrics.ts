/** Prometheus metrics of one server; names follow https://prometheus.io/docs/practices/naming/. */
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { readVersion } from '../core/version.ts'
import { redactUrl } from './redact-url.ts'

export interface Metrics {
  readonly registry: Registry
  readonly requests: Histogram<'method' | 'route' | 'status'>
  /** Photos answered, by `ok` or the code of their error. */
  readonly photos: Counter<'result'>
  readonly photosPerRequest: Histogram
  /** Calls to the registry, by `ok` or the code of their error. */
  readonly registryCalls: Histogram<'operation' | 'result'>
  /** Calls to the blob store, by `ok` or the code of their error. */
  readonly blobCalls: Histogram<'operation' | 'result'>
}

/** Seconds; the first bucket is half of what one photo takes on one core. */
export const DURATION_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
/** Seconds; a look into SQLite takes less than the first, a slow upload about the last. */
const CALL_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]
const PHOTOS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** Gauges of prom-client that are named as counters; the same numbers stand in others by kind. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const labels = { version: readVersion(), node: process.version }
  new Gauge({
    name: 'verger_info',
    help: 'Constant 1, labelled with the versions of Verger and of Node.js.',
    labelNames: Object.keys(labels),
    registers,
  }).set(labels, 1)
  const calls = (name: string, help: string) =>
    new Histogram({
      name,
      help,
      labelNames: ['operation', 'result'],
      buckets: CALL_BUCKETS,
      registers,
    })
  return {
    registry,
    requests: new Histogram({
      name: 'verger_http_request_duration_seconds',
      help: 'Time from the head of a request to the end of its response.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    photos: new Counter({
      name: 'verger_photos_total',
      help: 'Photos answered, by ok or the code of their error.',
      labelNames: ['result'],
      registers,
    }),
    photosPerRequest: new Histogram({
      name: 'verger_photos_per_request',
      help: 'Photos in one request.',
      buckets: PHOTOS_BUCKETS,
      registers,
    }),
    registryCalls: calls(
      'verger_registry_call_duration_seconds',
      'Time that a call to the registry took, by ok or the code of its error.',
    ),
    blobCalls: calls(
      'verger_blob_call_duration_seconds',
      'Time that a call to the blob store took, by ok or the code of its error.',
    ),
  }
}

/** Measures and logs every request, one line each, and gives its id back to the caller. */
export function recordRequests(app: FastifyInstance, { requests }: Metrics): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const { method } = request
    const status = reply.statusCode
    requests.observe({ method, route, status }, reply.elapsedTime / 1000)
    const durationMs = Math.round(reply.elapsedTime * 10) / 10
    const { caller, outcome, routeOptions, answerer } = request
    const model = routeOptions.config.modelOf?.(request)
    request.log.info(
      {
        ...{ method, url: redactUrl(request.url), status, durationMs, caller: caller.name },
        ...(model === undefined ? {} : { model }),
        ...answerer,
        ...(outcome === 'ok' ? {} : { error: outcome }),
      },
      'request',
    )
  })
}
