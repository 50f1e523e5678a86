/** Lets requests in: every route is closed but those that open themselves. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller, Scope } from '../registry/scopes.ts'
import { ANYBODY, type Authenticator, bearerOf, requireAllowed } from './authenticator.ts'
import { refuseOtherOrigins } from './cross-origin.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Answers without a token: the page's own files and the probes, which tell nothing and which a browser or an
     * orchestrator asks for before it can hold a token. Every other route is closed, one that does not exist too.
     */
    isOpen?: boolean
    /** What a token must allow for this route; `manage` where a route says nothing. */
    scope?: Scope
    /** The model that a request is about, from its path or query; a token may be limited to some. */
    modelOf?: (request: FastifyRequest) => string | undefined
    /**
     * The route leaves out what `maySee` says the caller may not see, or checks with `requireModel` once it has read the
     * body. A route with neither this nor `modelOf` refuses tokens that are limited to some models.
     */
    isFiltered?: true
  }
  interface FastifyRequest {
    /** Who asks. Until that is known, and where the route is open to everybody: anybody. */
    caller: Caller
  }
}

export interface AuthenticationOptions {
  readonly authenticator: Authenticator
  /** Origins beside its own whose pages may ask while no token guards the server; without it, all may. */
  readonly refuseOthersThan?: readonly string[]
}

/** Sets `request.caller`, or refuses the request before its body is read. */
export function authenticateRequests(
  app: FastifyInstance,
  { authenticator, refuseOthersThan }: AuthenticationOptions,
): void {
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRequest', async (request) => {
    const { isOpen, scope = 'manage', modelOf, isFiltered } = request.routeOptions.config
    request.caller = ANYBODY
    const token = takeToken(request)
    if (isOpen === true) return
    request.caller = await authenticator.identify(token, request.ip)
    // A path that does not exist asks for a token, whichever it is, and so tells nobody else that it does not.
    if (request.is404) return
    requireAllowed(request.caller, { scope, model: modelOf?.(request), isFiltered })
    if (request.caller === ANYBODY && refuseOthersThan !== undefined) {
      refuseOtherOrigins(request, refuseOthersThan)
    }
  })
}

/** Parameters in which clients of Google send an access token or an API key. */
export const TOKEN_PARAMETERS: readonly string[] = ['access_token', 'key']

/** The token of a request in the first of the places where clients put one; parameters are taken out of the query. */
function takeToken({ headers, query }: FastifyRequest): string | undefined {
  const parameters = query as Record<string, unknown>
  const inQuery = TOKEN_PARAMETERS.flatMap((name) => {
    const value = parameters[name]
    delete parameters[name]
    return typeof value === 'string' ? value : []
  })
  const apiKey = headers['x-goog-api-key']
  return (
    bearerOf(headers.authorization) ??
    inQuery[0] ??
    (typeof apiKey === 'string' ? apiKey : undefined)
  )
}
