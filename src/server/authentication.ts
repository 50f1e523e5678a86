/** One shared token in front of everything but the page itself and the liveness probes. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { VergerError } from '../core/errors.ts'

/** Routes that tell nothing and that a browser or an orchestrator asks for before it can hold a token. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

/** Refuses requests without `Authorization: Bearer <token>`. The page's own files stay open: it asks for the token. */
export function requireToken(app: FastifyInstance, token: string): void {
  const expected = digest(token)
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? request.url
    if (OPEN_ROUTES.has(route) || isPageFile(request.method, route)) return
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

function isPageFile(method: string, route: string): boolean {
  const isApi = /^\/(?:predict|metrics|api)(?:\/|$)/.test(route)
  return (method === 'GET' || method === 'HEAD') && !isApi
}
