import { setMaxListeners } from 'node:events'
import type { FastifyReply } from 'fastify'
import { VergerError } from '../core/errors.ts'

export interface TimeLimit {
  readonly signal: AbortSignal
  /** Ends the watch once the answer is there. */
  settle(): void
  /** Ends the watch of an answer that failed: what still waits of it leaves the queue. */
  abandon(): void
}

/** A signal that fires when the caller has left or the time is up. */
export function limitTime(caller: FastifyReply | AbortSignal, deadlineMs: number): TimeLimit {
  const controller = new AbortController()
  // Every photo of the request listens.
  setMaxListeners(0, controller.signal)
  const onLeave = () => {
    controller.abort(new VergerError('request_timeout', 'The client left before the answer'))
  }
  const timer = setTimeout(() => {
    controller.abort(
      new VergerError(
        'deadline_exceeded',
        `Expected an answer within ${deadlineMs} ms, none was ready`,
        {
          hint: 'Send fewer photos at once, or raise VERGER_DEADLINE_MS.',
        },
      ),
    )
  }, deadlineMs)
  const forget = watch(caller, onLeave)
  const settle = () => {
    clearTimeout(timer)
    forget()
  }
  return {
    signal: controller.signal,
    settle,
    abandon() {
      settle()
      controller.abort(new VergerError('request_timeout', 'The request was answered already'))
    },
  }
}

/** Gives what ends the watch. */
function watch(caller: FastifyReply | AbortSignal, onLeave: () => void): () => void {
  if (caller instanceof AbortSignal) {
    if (caller.aborted) onLeave()
    caller.addEventListener('abort', onLeave, { once: true })
    return () => caller.removeEventListener('abort', onLeave)
  }
  caller.raw.once('close', onLeave)
  return () => caller.raw.off('close', onLeave)
}

/** What a promise gives, unless the signal fires first; the promise goes on. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
