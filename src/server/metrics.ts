/** Prometheus metrics of one application; names follow https://prometheus.io/docs/practices/naming/. */
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { readVersion } from '../core/version.ts'
import type { ServingHost } from '../serving/serving-host.ts'
import { redactUrl } from './redact-url.ts'

export interface Metrics {
  readonly registry: Registry
  readonly requests: Histogram<'method' | 'route' | 'status'>
  /** Photos answered, by `ok` or the code of their error. */
  readonly photos: Counter<'result'>
}

/** Seconds; the first bucket is half of what one photo takes on one core. */
const DURATION_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

export function createMetrics(host: ServingHost): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const labels = { version: readVersion(), node: process.version, backbone: host.backbone }
  new Gauge({
    name: 'verger_info',
    help: 'Constant 1, labelled with the version and the backbone.',
    labelNames: Object.keys(labels),
    registers,
  }).set(labels, 1)
  new Gauge({
    name: 'verger_photos_waiting',
    help: 'Photos that wait for a worker.',
    registers,
    collect() {
      this.set(host.load.waiting)
    },
  })
  new Gauge({
    name: 'verger_photos_running',
    help: 'Photos that a worker holds.',
    registers,
    collect() {
      this.set(host.load.running)
    },
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
    request.log.info({ method, url: redactUrl(request.url), status, durationMs }, 'request')
  })
}
