/** Writes down who changed what, and who was refused. An entry is in the log, or in the lines of the server, or in both. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { ErrorCode } from '../core/errors.ts'
import type { AuditEntry } from '../registry/audit.ts'
import type { HomeRegistry } from './home-registry.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the audit log calls a change by this route, e.g. `default.set`; else its method and path. */
    action?: string | ((request: FastifyRequest) => string)
    /** What is changed, where it is no model, version or name of the path or the body. */
    targetOf?: (request: FastifyRequest) => string
  }
  interface FastifyRequest {
    /** `ok`, or the code of the error that it is answered with. */
    outcome: 'ok' | ErrorCode
  }
}

export interface AuditLog {
  /** Writes an entry where there is a registry, and a line of the server. Never throws: what was changed stays changed. */
  record(entry: AuditEntry): Promise<void>
  /** As `record`; what somebody repeats within a minute becomes one more entry that says how often. */
  recordRefusal(entry: AuditEntry): Promise<void>
  /** Writes what was repeated. */
  close(): Promise<void>
}

/** Repetitions are added up this long. */
const WINDOW_MS = 60_000
/** Different refusals that are told apart within that time: whoever sends more must not fill the disk. */
const MAX_KINDS = 200

export function createAuditLog(home: HomeRegistry, logger: Logger): AuditLog {
  let repeated = new Map<string, { entry: AuditEntry; times: number }>()
  let timer: NodeJS.Timeout | undefined

  async function record(entry: AuditEntry): Promise<void> {
    logger.info({ audit: entry }, 'audit')
    try {
      const [opened, { recordAudit }] = await Promise.all([
        home.find(),
        import('../registry/audit.ts'),
      ])
      if (opened !== undefined) await recordAudit(opened.store.db, entry)
    } catch (error) {
      logger.error({ err: error, audit: entry }, 'an entry of the audit log was not kept')
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const kinds = repeated
    repeated = new Map()
    for (const { entry, times } of kinds.values()) {
      if (times > 0) await record({ ...entry, details: { ...entry.details, times } })
    }
  }

  return {
    record,
    async recordRefusal(entry) {
      timer ??= setTimeout(() => void flush(), WINDOW_MS).unref()
      const { who, address, action, outcome } = entry
      const isFull = repeated.size >= MAX_KINDS
      const kind = isFull ? 'others' : JSON.stringify([who, address, action, outcome])
      const seen = repeated.get(kind)
      if (seen !== undefined) seen.times++
      else {
        repeated.set(kind, { entry: isFull ? { ...entry, address: 'several' } : entry, times: 0 })
        await record(entry)
      }
    },
    close: flush,
  }
}

const REFUSALS: readonly string[] = [
  'unauthorized',
  'forbidden',
  'origin_refused',
  'too_many_failures',
]
const READING: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** Records requests that change something before their answer is sent, and those that were refused. */
export function auditRequests(app: FastifyInstance, log: AuditLog): void {
  app.decorateRequest('outcome', 'ok')
  app.addHook('onSend', (request, _reply, _payload, done) => {
    const recording = recordRequest(request, log)
    if (recording === undefined) done()
    else void recording.then(() => done())
  })
}

function recordRequest(request: FastifyRequest, log: AuditLog): Promise<void> | undefined {
  const { method, outcome, is404 } = request
  const { isOpen, scope = 'manage' } = request.routeOptions.config
  if (REFUSALS.includes(outcome)) return log.recordRefusal(entryOf(request))
  if (isOpen === true || is404 || scope !== 'manage' || READING.includes(method)) return undefined
  // Nothing was changed, whatever it would have been.
  if (isTrial(request.query)) return undefined
  return log.record(entryOf(request))
}

const isTrial = (query: unknown): boolean =>
  [true, 'true'].includes((query as { readonly dryRun?: boolean | string }).dryRun ?? false)

function entryOf(request: FastifyRequest): AuditEntry {
  const { method, outcome, id, ip, caller, routeOptions } = request
  const route = `${method} ${routeOptions.url ?? 'unknown'}`
  const { action: named = route } = routeOptions.config
  const action = typeof named === 'string' ? named : named(request)
  return {
    who: caller.name,
    action,
    target: targetOf(request),
    outcome,
    requestId: id,
    address: ip,
    ...(action === route ? {} : { details: { route } }),
  }
}

/** `fruits/v1`, `fruits`, or the name of something else, from wherever the request says it. */
function targetOf(request: FastifyRequest): string {
  const named = request.routeOptions.config.targetOf?.(request)
  if (named !== undefined) return named.slice(0, MAX_TARGET)
  const params = namesIn(request.params)
  const body = namesIn(request.body)
  const model = request.routeOptions.config.modelOf?.(request) ?? params.model ?? body.model
  if (typeof model !== 'string') return params.name ?? body.name ?? ''
  const version = params.version ?? body.version ?? body.name
  return version === undefined || version === model ? model : `${model}/${version}`
}

const NAMES = ['model', 'version', 'name'] as const
type Names = Partial<Record<(typeof NAMES)[number], string>>

function namesIn(value: unknown): Names {
  const object = value instanceof Uint8Array ? parseSmall(value) : value
  if (typeof object !== 'object' || object === null) return {}
  const names: Names = {}
  for (const name of NAMES) {
    const found = (object as Record<string, unknown>)[name]
    if (typeof found === 'string') names[name] = found.slice(0, MAX_TARGET)
  }
  return names
}

/** Protocols that read bodies by themselves get bytes; what names something is short. */
function parseSmall(bytes: Uint8Array): unknown {
  try {
    return bytes.length > MAX_NAMING_BYTES ? undefined : JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

const MAX_NAMING_BYTES = 65_536
/** Names are shorter; what is longer is no name, and is told as far as that. */
const MAX_TARGET = 128
