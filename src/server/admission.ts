/** Bounds the memory that request bodies take: a body is admitted only when its bytes fit beside those already here. */
import type { FastifyInstance } from 'fastify'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'

/**
 * A body of unknown length counts as the largest that is accepted. A refused one is read to its end and dropped, within
 * the time that a request may take: clients that find their connection closed while they send never read why.
 */
export function admitByBytes(app: FastifyInstance, { requestBytes, queuedBytes }: Limits): void {
  let held = 0
  app.addHook('onRequest', async (request, reply) => {
    const { 'content-length': length, 'transfer-encoding': chunked } = request.headers
    const sizeBytes =
      length === undefined ? (chunked === undefined ? 0 : requestBytes) : Number(length)
    if (sizeBytes > requestBytes) {
      throw new VergerError(
        'body_too_large',
        `Expected a body of at most ${requestBytes} bytes, received ${sizeBytes}`,
        {
          hint: 'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.',
          details: { maxBytes: requestBytes, sizeBytes },
        },
      )
    }
    if (sizeBytes > 0 && held > 0 && held + sizeBytes > queuedBytes) {
      throw new VergerError(
        'overloaded',
        `Expected at most ${queuedBytes} bytes of requests at once, and ${held} are here`,
        { hint: 'Send again in a few seconds.' },
      )
    }
    held += sizeBytes
    reply.raw.once('close', () => {
      held -= sizeBytes
    })
  })
}
