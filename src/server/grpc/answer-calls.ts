/** What every message passes: its caller is known, its time limited, its outcome logged, measured and audited. */
import {
  type handleUnaryCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { toVergerError, VergerError } from '../../core/errors.ts'
import type { AuditEntry } from '../../registry/audit.ts'
import type { Caller } from '../../registry/scopes.ts'
import type { OwnHolding } from '../admission.ts'
import { ANYBODY } from '../authenticator.ts'
import { requestIdOf } from '../request-id.ts'
import type { RouteOptions } from '../route-options.ts'
import { addressOf, callerOf, modelOf, scopeOf } from './callers.ts'
import { decode, type Received } from './define-service.ts'
import { statusOfError } from './status-codes.ts'

/** Who calls, and until when the answer is waited for. */
export interface CallContext {
  readonly caller: Caller
  readonly signal: AbortSignal
}

export type Outcome<Value> = { readonly value: Value } | { readonly failure: StatusObject }

/** The part that unary calls and streams share. */
export interface Call {
  readonly metadata: Metadata
  readonly cancelled: boolean
  getPath(): string
  getPeer(): string
  on(event: 'cancelled', listener: () => void): unknown
}

export interface Answering {
  /** Answers one message of a call. Never rejects. */
  answer<Value>(
    call: Call,
    received: Received,
    answer: (message: object, context: CallContext) => Promise<Value> | Value,
  ): Promise<Outcome<Value>>
  /** Ends a call that nobody is let in with. */
  refuse(
    error: VergerError,
    path: string,
    metadata: Metadata,
    call: ServerInterceptingCallInterface,
  ): void
  unary(
    answer: (message: object, context: CallContext) => unknown,
  ): handleUnaryCall<Received, unknown>
}

/** What a log line says of a call beside its method and outcome. */
interface Known {
  readonly reqId: string
  readonly caller: string
  readonly model?: string | undefined
  readonly error: string | undefined
}

/** What the audit log calls a change, here as over HTTP. */
const ACTIONS: Readonly<Record<string, string>> = {
  RepositoryModelLoad: 'model.load',
  RepositoryModelUnload: 'model.unload',
}

export function createAnswering(
  { host, metrics, tracer, audit }: Pick<RouteOptions, 'host' | 'metrics' | 'tracer' | 'audit'>,
  hold: () => OwnHolding,
  logger: Logger,
): Answering {
  function record(
    path: string,
    startMs: number,
    failure: StatusObject | undefined,
    known: Known,
  ): void {
    const durationMs = performance.now() - startMs
    const code = status[failure?.code ?? status.OK] ?? ''
    metrics.requests.observe({ method: 'GRPC', route: path, status: code }, durationMs / 1000)
    const rounded = Math.round(durationMs * 10) / 10
    logger.info(
      { ...known, method: 'GRPC', url: path, status: code, durationMs: rounded },
      'request',
    )
  }

  async function answer<Value>(
    call: Call,
    received: Received,
    handle: (message: object, context: CallContext) => Promise<Value> | Value,
  ): Promise<Outcome<Value>> {
    const startMs = performance.now()
    const path = call.getPath()
    const reqId = idOf(call.metadata)
    const signal = watch(call)
    const traced = tracer?.begin(signal, path.slice(1), (name) => textOf(call.metadata, name))
    let failure: StatusObject | undefined
    let caller: Caller | undefined
    let error: VergerError | undefined
    let message: object = {}
    const holding = hold()
    try {
      holding.take(received.bytes.length)
      message = decode(received)
      caller = callerOf(call.metadata, path, message)
      return { value: await handle(message, { caller, signal }) }
    } catch (thrown) {
      error = toVergerError(thrown)
      if (error.code === 'internal') logger.error({ err: thrown }, 'call failed')
      failure = statusOfError(error, host.load.waitMs)
      return { failure }
    } finally {
      holding.release()
      const model = modelOf(message)
      const who = caller?.name ?? callerIn(error)
      record(path, startMs, failure, { reqId, caller: who, model, error: error?.code })
      traced?.end(
        { 'rpc.system': 'grpc', 'rpc.grpc.status_code': failure?.code ?? status.OK },
        failure !== undefined,
      )
      const isRefused = error?.code === 'forbidden'
      if (isRefused || (scopeOf(path) === 'manage' && caller !== undefined)) {
        const entry: AuditEntry = {
          who,
          action: ACTIONS[path.split('/').at(-1) ?? ''] ?? path,
          target: model ?? '',
          outcome: error?.code ?? 'ok',
          requestId: reqId,
          address: addressOf(call),
        }
        await (isRefused ? audit.recordRefusal(entry) : audit.record(entry))
      }
    }
  }

  return {
    answer,
    refuse(error, path, metadata, call) {
      const failure = statusOfError(error, host.load.waitMs)
      call.sendStatus(failure)
      const reqId = idOf(metadata)
      const who = callerIn(error)
      record(path, performance.now(), failure, { reqId, caller: who, error: error.code })
      void audit.recordRefusal({
        who,
        action: path,
        target: '',
        outcome: error.code,
        requestId: reqId,
        address: addressOf(call),
      })
    },
    unary: (handle) => async (call, callback) => {
      const outcome = await answer(call, call.request, handle)
      if ('failure' in outcome) callback(outcome.failure)
      else callback(null, outcome.value)
    },
  }
}

/** Who was refused, where that is known. */
const callerIn = (error: VergerError | undefined): string =>
  String(error?.details['caller'] ?? ANYBODY.name)

/** The id of a call, as that of a request of HTTP. */
const idOf = (metadata: Metadata): string =>
  requestIdOf({ headers: { 'x-request-id': textOf(metadata, 'x-request-id') } })

function textOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name)
  return typeof value === 'string' ? value : undefined
}

/** A signal that fires when the caller has left, or no longer waits. */
function watch(call: Call): AbortSignal {
  const controller = new AbortController()
  const abort = () =>
    controller.abort(new VergerError('request_timeout', 'The client left before the answer'))
  call.on('cancelled', abort)
  if (call.cancelled) abort()
  return controller.signal
}
