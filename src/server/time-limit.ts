import { setMaxListeners } from 'node:events'
import type { FastifyReply } from 'fastify'
import { VergerError } from '../core/errors.ts'

export interface TimeLimit {
  readonly signal: AbortSignal
  /** Ends the watch; to be called once the answer is there. */
  settle(): void
}

/** A signal that fires when the caller has left or the time is up. */
export function limitTime(reply: FastifyReply, deadlineMs: number): TimeLimit {
  const controller = new AbortController()
  // Every photo of the request listens.
  setMaxListeners(0, controller.signal)
  const onClose = () => {
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
  reply.raw.once('close', onClose)
  return {
    signal: controller.signal,
    settle() {
      clearTimeout(timer)
      reply.raw.off('close', onClose)
    },
  }
}
