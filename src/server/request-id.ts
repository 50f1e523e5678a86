import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The id under which a request is logged: the caller's own `x-request-id` where it is a plain short word. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID()
}
