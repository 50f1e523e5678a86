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
import type { Caller } from '../../registry/scopes.ts'
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
  refuse(error: VergerError, path: string, call: ServerInterceptingCallInterface): void
  unary(
    answer: (message: object, context: CallContext) => unknown,
  ): handleUnaryCall<Received, unknown>
}

/** What the audit log calls a change, here as over HTTP. */
const ACTIONS: Readonly<Record<string, string>> = {
  RepositoryModelLoad: 'model.load',
  RepositoryModelUnload: 'model.unload',
}

export function createAnswering(
  { host, metrics, tracer, audit }: Pick<RouteOptions, 'host' | 'metrics' | 'tracer' | 'audit'>,
  logger: Logger,
): Answering {
  function record(path: string, startMs: number, failure: StatusObject | undefined): void {
    const durationMs = performance.now() - startMs
    const code = status[failure?.code ?? status.OK] ?? ''
    metrics.requests.observe({ method: 'GRPC', route: path, status: code }, durationMs / 1000)
    const rounded = Math.round(durationMs * 10) / 10
    logger.info({ method: 'GRPC', url: path, status: code, durationMs: rounded }, 'request')
  }

  async function answer<Value>(
    call: Call,
    received: Received,
    handle: (message: object, context: CallContext) => Promise<Value> | Value,
  ): Promise<Outcome<Value>> {
    const startMs = performance.now()
    const path = call.getPath()
    const signal = watch(call)
    const traced = tracer?.begin(signal, path.slice(1), (name) => textOf(call.metadata, name))
    let failure: StatusObject | undefined
    let caller: Caller | undefined
    let error: VergerError | undefined
    let message: object = {}
    try {
      message = decode(received)
      caller = callerOf(call.metadata, path, message)
      return { value: await handle(message, { caller, signal }) }
    } catch (thrown) {
      error = toVergerError(thrown)
      if (error.code === 'internal') logger.error({ err: thrown }, 'call failed')
      failure = statusOfError(error, host.load.waitMs)
      return { failure }
    } finally {
      record(path, startMs, failure)
      traced?.end(
        { 'rpc.system': 'grpc', 'rpc.grpc.status_code': failure?.code ?? status.OK },
        failure !== undefined,
      )
      if (scopeOf(path) === 'manage' && caller !== undefined) {
        await audit.record({
          who: caller.name,
          action: ACTIONS[path.split('/').at(-1) ?? ''] ?? path,
          target: modelOf(message) ?? '',
          outcome: error?.code ?? 'ok',
          address: addressOf(call),
        })
      }
    }
  }

  return {
    answer,
    refuse(error, path, call) {
      const failure = statusOfError(error, host.load.waitMs)
      call.sendStatus(failure)
      record(path, performance.now(), failure)
      void audit.recordRefusal({
        who: 'anonymous',
        action: path,
        target: '',
        outcome: error.code,
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
