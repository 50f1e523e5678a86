/** One shared token in front of everything but what a route opens for itself. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../core/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Answers without the token: the page's own files and the probes, which tell nothing and which a browser or an
     * orchestrator asks for before it can hold a token. Every other route is closed, one that does not exist too.
     */
    isOpen?: boolean
  }
}

/** Refuses requests without `Authorization: Bearer <token>`. */
export function requireToken(app: FastifyInstance, token: string): void {
  const expected = digest(token)
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.isOpen === true) return
    const [, given] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return
    throw new VergerError(
      'unauthorized',
      `Expected the header Authorization: Bearer <token>, received ${given === undefined ? 'none' : 'another token'}`,
      { hint: 'The token is the value of VERGER_TOKEN with which the server was started.' },
    )
  })
}

/** Hashed first, so that the comparison takes the same time for every length. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
