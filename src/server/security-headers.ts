/** Headers that keep a browser from doing more with an answer than to give it to whom asked. */
import type { FastifyInstance } from 'fastify'

/**
 * What an answer says unless its route says otherwise. No `strict-transport-security`: it would bind every service on the
 * same host, on every port, and its owner could not take it back.
 */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

export function registerSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(HEADERS)
  })
}
