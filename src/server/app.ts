/** Builds the HTTP application; listening is somebody else's business (`listen.ts`, `handler.ts`). */
import { readFile } from 'node:fs/promises'
import { sep } from 'node:path'
import fastifyMultipart from '@fastify/multipart'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { packagePath } from '../core/version.ts'
import type { ServingHost } from '../serving/serving-host.ts'
import { admitByBytes, type OwnHolding } from './admission.ts'
import { type AuditLog, auditRequests } from './audit-log.ts'
import { authenticateRequests } from './authentication.ts'
import type { Authenticator } from './authenticator.ts'
import { answerClientError, describeSchemaFaults, mapError, trackUrls } from './error-mapper.ts'
import type { HomeRegistry } from './home-registry.ts'
import { lazySchemas } from './lazy-schemas.ts'
import { type Metrics, recordRequests } from './metrics.ts'
import { collectStatistics, type InferenceStatistics } from './open-inference/statistics.ts'
import { openOperationRunner } from './operation-runner.ts'
import { auditedWorkOf } from './operation-work.ts'
import { redactUrl } from './redact-url.ts'
import { requestIdOf } from './request-id.ts'
import type { RouteOptions } from './route-options.ts'
import { registerAuditRoute } from './routes/audit.ts'
import { registerCloudRoutes } from './routes/cloudml/cloudml.ts'
import { registerCorrectionRoute } from './routes/corrections.ts'
import { registerCreateVersionRoute } from './routes/create-version-route.ts'
import { registerDefaultRoutes } from './routes/defaults.ts'
import { registerHealthRoutes } from './routes/health.ts'
import { MODEL_SCHEMAS } from './routes/model-schemas.ts'
import { registerModelRoutes } from './routes/models.ts'
import { registerOpenInference } from './routes/open-inference.ts'
import { OPERATION_SCHEMA, registerOperationRoutes } from './routes/operations.ts'
import { registerOwnApi } from './routes/own-api.ts'
import { PREDICTION_SCHEMA, registerPredictRoute } from './routes/predict.ts'
import { addSharedSchemas } from './routes/schemas.ts'
import { registerStateRoutes } from './routes/states.ts'
import { registerStorageRoutes } from './routes/storage/storage.ts'
import { canonicalUrl } from './routes/tensorflow-serving/canonical-url.ts'
import { registerTensorflowServing } from './routes/tensorflow-serving/routes.ts'
import { registerTokenRoutes } from './routes/tokens.ts'
import { registerUploadRoutes } from './routes/uploads.ts'
import { registerVersionRoutes } from './routes/versions.ts'
import { registerSecurityHeaders } from './security-headers.ts'
import type { TlsFiles } from './tls-files.ts'
import { type Tracer, traceRequests } from './tracing.ts'

export interface AppOptions {
  readonly config: Config
  readonly host: ServingHost
  readonly home: HomeRegistry
  readonly metrics: Metrics
  /** Undefined where traces are not configured. */
  readonly tracer: Tracer | undefined
  readonly authenticator: Authenticator
  readonly audit: AuditLog
  /** Resolves once every worker has loaded the network. */
  readonly warming: Promise<void>
  readonly logger: Logger
  /** Sees every route as it is registered: what writes the reference hangs on to the application here. */
  readonly describe?: (app: FastifyInstance) => PromiseLike<unknown>
  /** What the server speaks TLS with; without it, plain HTTP. */
  readonly tls?: TlsFiles | undefined
  /** Whether it listens on this machine: without a token, pages of others are kept out then. */
  readonly isLocal?: boolean
  /** Aborted once the server stops: what is asked until then is answered, and probes say that it is not ready. */
  readonly stopping?: AbortSignal
}

declare module 'fastify' {
  /** What the reference says of a route beside the forms of its request and its answers. */
  interface FastifySchema {
    hide?: boolean
    tags?: readonly string[]
    summary?: string
    produces?: readonly string[]
    description?: string
  }
  interface FastifyInstance {
    /** What other ports than that of HTTP answer with. */
    readonly services: Services
  }
}

export interface Services {
  readonly options: RouteOptions
  readonly statistics: InferenceStatistics
  readonly hold: () => OwnHolding
}

/** The OpenAPI document of these routes. */
const DESCRIPTION = packagePath('docs/reference/openapi.json')

/** Headers of the web app: nothing but its own files runs or loads. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}

/** Tokens travel in headers that a page sets itself, so no cookie is ever asked for. */
const corsOptions = ({ corsOrigins }: Config) => ({
  origin: [...corsOrigins],
  exposedHeaders: ['x-request-id', 'retry-after', 'www-authenticate'],
  maxAge: 600,
})

/** How often open connections are looked over for requests that take too long to arrive. */
const CONNECTION_CHECK_MS = 1000

/** Builds the application around an open host and registry. It is the caller who closes them. */
export async function createApp({
  config,
  host,
  home,
  metrics,
  tracer,
  authenticator,
  audit,
  warming,
  logger,
  describe,
  tls,
  isLocal = false,
  stopping = new AbortController().signal,
}: AppOptions): Promise<FastifyInstance> {
  const { limits } = config
  // A failure is told by the routes of health and by `listen`, once they look.
  warming.catch(() => {})
  const onError = mapError(config, host)
  const connections = {
    connectionsCheckingInterval: Math.min(CONNECTION_CHECK_MS, limits.receiveTimeoutMs),
    headersTimeout: limits.receiveTimeoutMs,
  }
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }) => canonicalUrl(url),
    bodyLimit: limits.requestBytes,
    requestTimeout: limits.receiveTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerClientError(limits),
    frameworkErrors: onError,
    schemaErrorFormatter: describeSchemaFaults,
    // Names of operations hold those of a model and a version; names of staged files are those of Cloud Storage, encoded.
    routerOptions: { maxParamLength: 3 * 1024 },
    schemaController: lazySchemas(),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, verbose: true } },
    ...(tls === undefined
      ? { http: connections }
      : { https: { ...connections, ...tls.pair, handshakeTimeout: limits.receiveTimeoutMs } }),
  }) as unknown as FastifyInstance

  app.decorate('errorForms', new Map())
  trackUrls(app)
  app.setErrorHandler(onError)
  app.setNotFoundHandler((request) => {
    const url = redactUrl(request.url)
    throw new VergerError('route_unknown', `Nothing answers ${request.method} ${url}`, {
      hint: 'GET /api/openapi.json lists the routes.',
    })
  })
  if (tracer !== undefined) traceRequests(app, tracer)
  recordRequests(app, metrics)
  endConnections(app, stopping)
  registerSecurityHeaders(app)
  if (config.corsOrigins.length > 0)
    await app.register(import('@fastify/cors'), corsOptions(config))
  auditRequests(app, audit)
  authenticateRequests(app, {
    authenticator,
    ...(isLocal ? { refuseOthersThan: config.corsOrigins } : {}),
  })
  admitByBytes(app, limits)

  await describe?.(app)
  addSharedSchemas(app, [PREDICTION_SCHEMA, ...MODEL_SCHEMAS, OPERATION_SCHEMA])
  await app.register(fastifyMultipart, {
    throwFileSizeLimit: true,
    limits: {
      fileSize: limits.photoBytes,
      files: limits.requestPhotos,
      parts: limits.requestPhotos + 16,
      fields: 16,
      fieldSize: 1024,
    },
  })
  const work = auditedWorkOf({ home, host, config, audit })
  const runner = openOperationRunner({ home, work, logger: app.log })
  // Not before the registry is known to be sound.
  app.addHook('onReady', async () => runner.follow())
  app.addHook('onClose', () => runner.close())
  const options: RouteOptions = {
    ...{ host, home, config, metrics, tracer, authenticator, audit, runner },
  }
  const statistics = collectStatistics(options)
  app.decorate('services', { options, statistics, hold: app.hold })
  app.removeContentTypeParser('text/plain')
  await registerOwnApi(app, async (api) => {
    registerHealthRoutes(api, options, { warming, stopping })
    registerPredictRoute(api, options)
    registerModelRoutes(api, options)
    registerVersionRoutes(api, options)
    registerDefaultRoutes(api, options)
    registerCorrectionRoute(api, options)
    registerStateRoutes(api, options)
    await registerUploadRoutes(api, options)
    registerCreateVersionRoute(api, options)
    registerOperationRoutes(api, options)
    registerTokenRoutes(api, options)
    registerAuditRoute(api, options)
    api.get(
      '/api/openapi.json',
      { config: { scope: 'read', isFiltered: true }, schema: { hide: true } },
      // Written from these routes by `npm run docs`: a server does not load what describes them.
      async (_request, reply) => reply.type('application/json').send(await readFile(DESCRIPTION)),
    )
  })
  await registerTensorflowServing(app, options)
  await registerOpenInference(app, options, { warming, stopping, statistics })
  await registerCloudRoutes(app, options)
  await registerStorageRoutes(app, options)
  await app.register(servePage)
  return app
}

/** The files of the page are open: it is the page that asks for the token. */
async function servePage(page: FastifyInstance): Promise<void> {
  page.addHook('onRoute', (route) => {
    route.config = { ...route.config, isOpen: true }
  })
  page.addHook('onRequest', async (_request, reply) => {
    void reply.headers(PAGE_HEADERS)
  })
  await page.register(fastifyStatic, {
    root: packagePath('web/dist'),
    wildcard: false,
    cacheControl: false,
    setHeaders: (response, path) => {
      // Names of built assets hold their hash; the page that names them must be asked for again.
      const isHashed = path.includes(`${sep}assets${sep}`)
      response.setHeader(
        'cache-control',
        isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
    },
  })
}

/** Tells those who are answered once the server stops that their connection ends. */
function endConnections(app: FastifyInstance, stopping: AbortSignal): void {
  app.addHook('onSend', async (_request, reply) => {
    if (stopping.aborted) void reply.header('connection', 'close')
  })
}
