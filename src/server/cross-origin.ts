/**
 * What keeps pages of others out. A server that wants a token needs none of it: a page cannot send what it does not know.
 * One without a token listens on loopback only, where every page that its user opens can reach it.
 */
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { VergerError } from '../core/errors.ts'

/**
 * Names that nobody else can turn towards this machine: those without a dot, those of RFC 6761, and the hosts of CloudML,
 * which are pointed here on purpose.
 */
const LOCAL_NAME = /^[^.]+$|\.localhost$|(?:^|-)ml\.googleapis\.com$/i

/**
 * Throws `origin_refused` for a page of another origin, and for a name that somebody else may have turned towards this
 * machine after a browser had loaded a page from it (DNS rebinding).
 */
export function refuseOtherOrigins(request: FastifyRequest, allowed: readonly string[]): void {
  const { host = '', origin } = request.headers
  const isAllowed =
    origin === undefined ||
    allowed.includes(origin) ||
    (isLocal(host) && hostOf(origin) === host.toLowerCase())
  if (!isAllowed) throw refused(`a page of ${host}`, `one of ${origin}`)
  if (isLocal(host) || allowed.some((each) => hostOf(each) === host.toLowerCase())) return
  throw refused('a name of this machine or an address as the host', host || 'none')
}

function isLocal(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return (
    isIP(name) !== 0 || LOCAL_NAME.test(name) || name.toLowerCase() === hostname().toLowerCase()
  )
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined

const refused = (expected: string, received: string): VergerError =>
  new VergerError(
    'origin_refused',
    `Expected ${expected}, since no token guards this server, received ${received}`,
    { hint: 'Set VERGER_TOKEN, or name the origin in VERGER_CORS_ORIGINS.' },
  )
