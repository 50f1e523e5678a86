/** Bounds the memory that request bodies take: bytes count as they come, so that announcing them takes nothing. */
import { Transform } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes that this request holds in memory, until its response is sent. */
    holding: Holding
  }
  interface FastifyContextConfig {
    /** The body goes to a file as it comes and takes no memory; a route that keeps some of it says so to `holding`. */
    isStreamed?: true
  }
  interface FastifyInstance {
    /** A share for a request that does not come over HTTP; to be released once it is answered. */
    readonly hold: () => OwnHolding
  }
}

/** The share that one request has of the bytes that are held at once. */
export interface Holding {
  /** Throws `overloaded` where they fit only without what others hold; a request that is alone always fits. */
  take(sizeBytes: number): void
}

export interface OwnHolding extends Holding {
  release(): void
}

/**
 * Refuses a body by its head where it states more than is accepted, or more than fits now, and by its bytes where it has
 * stated less, or nothing. What multipart forms and URLs bring is counted by those who read it.
 */
export function admitByBytes(app: FastifyInstance, { requestBytes, queuedBytes }: Limits): void {
  let heldByAll = 0

  function hold(): OwnHolding {
    let held = 0
    return {
      take(sizeBytes) {
        const heldByOthers = heldByAll - held
        if (heldByOthers > 0 && heldByAll + sizeBytes > queuedBytes) {
          throw overloaded(queuedBytes, heldByAll)
        }
        held += sizeBytes
        heldByAll += sizeBytes
      },
      release() {
        heldByAll -= held
        held = 0
      },
    }
  }

  app.decorate('hold', hold)
  app.decorateRequest('holding', null as unknown as Holding)
  app.addHook('onRequest', async (request, reply) => {
    const sizeBytes = Number(request.headers['content-length'] ?? 0)
    if (sizeBytes > requestBytes) throw bodyTooLarge(requestBytes, sizeBytes)
    const isHeld = sizeBytes > 0 && request.routeOptions.config.isStreamed !== true
    if (isHeld && heldByAll > 0 && heldByAll + sizeBytes > queuedBytes) {
      throw overloaded(queuedBytes, heldByAll)
    }
    const holding = hold()
    request.holding = holding
    reply.raw.once('close', holding.release)
  })
  app.addHook('preParsing', async (request, reply, body) => {
    const {
      'content-type': type = '',
      'content-length': length,
      'transfer-encoding': chunked,
    } = request.headers
    const hasBody = (length ?? '0') !== '0' || chunked !== undefined
    if (!hasBody) return body
    // A refused body is read to its end and dropped, within the time that a request may take: a client that finds its
    // connection closed while it sends never reads why.
    reply.raw.once('finish', () => {
      body.unpipe()
      body.resume()
    })
    if (/^multipart\/form-data/i.test(type)) return body
    const { isStreamed } = request.routeOptions.config
    const counted = countBytes(isStreamed === true ? undefined : request.holding, requestBytes)
    // Fastify no longer listens to a body that it has refused.
    counted.on('error', () => {})
    body.once('error', (error) => counted.destroy(error))
    return body.pipe(counted)
  })
}

/** Gives on what it gets, as far as it can be held and is accepted: a body that comes in pieces states no length. */
function countBytes(holding: Holding | undefined, maxBytes: number): Transform {
  let sizeBytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      try {
        if (sizeBytes > maxBytes) throw bodyTooLarge(maxBytes)
        holding?.take(chunk.length)
        done(null, chunk)
      } catch (error) {
        done(error as VergerError)
      }
    },
  })
}

/** `sizeBytes` undefined where it is not known before all of it has come. */
const bodyTooLarge = (maxBytes: number, sizeBytes?: number): VergerError =>
  new VergerError(
    'body_too_large',
    `Expected a body of at most ${maxBytes} bytes, received ${sizeBytes ?? 'more'}`,
    {
      hint: 'Send fewer or smaller photos, or raise VERGER_MAX_REQUEST_BYTES.',
      details: { maxBytes, ...(sizeBytes === undefined ? {} : { sizeBytes }) },
    },
  )

const overloaded = (maxBytes: number, held: number): VergerError =>
  new VergerError(
    'overloaded',
    `Expected at most ${maxBytes} bytes of requests at once, and ${held} are here`,
    { hint: 'Send again in a few seconds.' },
  )
