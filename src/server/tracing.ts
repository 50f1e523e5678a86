/**
 * OpenTelemetry traces of requests: a span for each request, and in it for each photo how long it was read, waited in the
 * queue, was decoded and run through the network, and was judged by the head. The SDK is loaded only where an endpoint is
 * configured.
 */
import type { Attributes, Context, Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import type { TracesConfig } from '../core/config.ts'
import { toVergerError } from '../core/errors.ts'
import { readVersion } from '../core/version.ts'
import type { Photo } from '../features/featurizer.ts'
import type { Answer, AnswerStage } from '../serving/answer.ts'
import { parseTraceparent } from './traceparent.ts'

/** Where a request comes from: the reply that it gets, or the signal of its caller. */
export type TracedCaller = FastifyReply | AbortSignal

export interface Tracer {
  /** Begins the span of a request, below that of its caller where its headers name one. */
  begin(
    caller: TracedCaller,
    name: string,
    header: (name: string) => string | undefined,
  ): RequestTrace
  /** The request that a caller sent; undefined where nothing was begun. */
  find(caller: TracedCaller): RequestTrace | undefined
  /** Sends what was not sent yet, for as long as an operator who stops a server would wait. */
  close(): Promise<void>
}

export interface RequestTrace {
  readonly traceId: string
  /** What says to others which span this is: https://www.w3.org/TR/trace-context/#traceparent-header. */
  readonly traceparent: string
  /** Undefined for photos beyond the first of a large request. */
  beginPhoto(): PhotoTrace | undefined
  end(attributes: Attributes, isFailed: boolean): void
}

export interface PhotoTrace {
  /** Reads and answers the photo, and tells how long each step took. */
  follow(
    read: () => Promise<Photo> | Photo,
    answer: (photo: Photo, onStage: (stage: AnswerStage) => void) => Promise<Answer>,
  ): Promise<Answer>
}

/** Photos of one request that have spans: enough to see how they wait for one another. */
const PHOTOS_TRACED = 16
/** How long the exporter tries to send some spans, and a stopping server its last ones. */
const SEND_MS = 2000

/** Opens what sends spans to a collector over OTLP/HTTP. A collector that is down costs nothing but its spans. */
export async function openTracer(
  { endpoint, serviceName }: TracesConfig,
  logger: Logger,
): Promise<Tracer> {
  const [
    { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace },
    { BasicTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  diag.setLogger(warnOnce(logger), { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': readVersion(),
    }),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint, timeoutMillis: SEND_MS })),
    ],
  })
  const tracer = provider.getTracer('verger', readVersion())
  const begun = new WeakMap<TracedCaller, RequestTrace>()

  function beginPhoto(parent: Context): PhotoTrace {
    const span = tracer.startSpan('photo', { startTime: now() }, parent)
    const within = trace.setSpan(parent, span)
    return {
      async follow(read, answer) {
        let step = tracer.startSpan('read', { startTime: now() }, within)
        const next = (name: string) => {
          const startTime = now()
          step.end(startTime)
          step = tracer.startSpan(name, { startTime }, within)
        }
        try {
          const photo = await read()
          next('queue')
          const answered = await answer(photo, (stage) => next(stage === 'run' ? 'infer' : 'judge'))
          span.setAttributes(describe(answered))
          return answered
        } catch (error) {
          fail(span, error)
          throw error
        } finally {
          const endTime = now()
          step.end(endTime)
          span.end(endTime)
        }
      },
    }
  }

  function fail(span: Span, error: unknown): void {
    const { code, message } = toVergerError(error)
    span.setAttribute('error.type', code)
    span.setStatus({ code: SpanStatusCode.ERROR, message })
  }

  function follow(span: Span, parent: Context): RequestTrace {
    const { traceId, spanId, traceFlags } = span.spanContext()
    const within = trace.setSpan(parent, span)
    let photos = 0
    return {
      traceId,
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
      beginPhoto() {
        photos++
        return span.isRecording() && photos <= PHOTOS_TRACED ? beginPhoto(within) : undefined
      },
      end(attributes, isFailed) {
        span.setAttributes(photos === 0 ? attributes : { ...attributes, 'verger.photos': photos })
        if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end(now())
      },
    }
  }

  return {
    begin(caller, name, header) {
      const remote = parseTraceparent(header('traceparent'), header('tracestate'))
      const parent =
        remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
      const request = follow(
        tracer.startSpan(name, { kind: SpanKind.SERVER, startTime: now() }, parent),
        parent,
      )
      begun.set(caller, request)
      return request
    },
    find: (caller) => begun.get(caller),
    async close() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, SEND_MS)
      })
      // A collector that is down is no reason for a server to fail at its end.
      await Promise.race([provider.shutdown().catch(() => {}), late])
      clearTimeout(timer)
      diag.disable()
    },
  }
}

/** Epoch milliseconds with fractions, which the SDK's own clock does not have for the start of a span. */
const now = (): number => performance.timeOrigin + performance.now()

function describe({ answerer, decision }: Answer): Attributes {
  return {
    ...Object.fromEntries(
      Object.entries(answerer).map(([name, value]) => [`verger.${name}`, value]),
    ),
    'verger.decision': decision,
  }
}

/** The SDK says again and again that a collector is down; once is enough. */
function warnOnce(logger: Logger) {
  let isSaid = false
  const warn = (message: string) => {
    if (!isSaid) logger.warn({ reason: message }, 'traces cannot be sent')
    isSaid = true
  }
  const nothing = () => {}
  return { error: warn, warn: nothing, info: nothing, debug: nothing, verbose: nothing }
}

/** Gives every HTTP request a span and its log lines the id of its trace. Attributes are those of OpenTelemetry's conventions. */
export function traceRequests(app: FastifyInstance, tracer: Tracer): void {
  app.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const header = (name: string) => {
      const value = request.headers[name]
      return typeof value === 'string' ? value : undefined
    }
    const traced = tracer.begin(reply, `${request.method} ${route}`, header)
    request.log = request.log.child({ traceId: traced.traceId })
    void reply.header('traceresponse', traced.traceparent)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode } = reply
    tracer.find(reply)?.end(
      {
        'http.request.method': request.method,
        'http.route': request.routeOptions.url ?? 'unknown',
        'http.response.status_code': statusCode,
        'verger.request_id': request.id,
      },
      statusCode >= 500,
    )
  })
}
