/** Who asks, and whether they may: every route is closed but those that open themselves. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { VergerError } from '../core/errors.ts'
import { type Caller, maySee, SCOPES, type Scope } from '../registry/scopes.ts'
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
    caller: Caller
  }
}

/** Everybody, where no token guards the server. */
const ANYBODY: Caller = { name: 'anonymous', scopes: SCOPES }

export interface Asked {
  readonly scope: Scope
  readonly model?: string | undefined
  /** See the config of routes. */
  readonly isFiltered?: boolean | undefined
}

export interface Authenticator {
  /**
   * Gives the caller whose token this text is. Throws `unauthorized` where it is none, `forbidden` where it does not allow
   * what is asked; `asked` undefined stands for a route that does not exist.
   */
  authenticate(token: string | undefined, asked: Asked | undefined): Promise<Caller>
}

export function createAuthenticator(token: string | undefined): Authenticator {
  const expected = token === undefined ? undefined : digest(token)
  return {
    async authenticate(given, asked) {
      if (expected === undefined) return ANYBODY
      if (given === undefined || !timingSafeEqual(digest(given), expected)) {
        throw new VergerError(
          'unauthorized',
          `Expected the header Authorization: Bearer <token>, received ${given === undefined ? 'none' : 'another token'}`,
          { hint: 'The token is the value of VERGER_TOKEN with which the server was started.' },
        )
      }
      const caller: Caller = { name: 'VERGER_TOKEN', scopes: SCOPES }
      if (asked !== undefined) requireAllowed(caller, asked)
      return caller
    },
  }
}

export interface AuthenticationOptions {
  /** Origins beside its own whose pages may ask while no token guards the server; without it, all may. */
  readonly refuseOthersThan?: readonly string[]
}

/** Sets `request.caller`, or refuses the request before its body is read. */
export function authenticateRequests(
  app: FastifyInstance,
  authenticator: Authenticator,
  { refuseOthersThan }: AuthenticationOptions = {},
): void {
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRequest', async (request) => {
    const { isOpen, scope = 'manage', modelOf, isFiltered } = request.routeOptions.config
    if (isOpen === true) {
      request.caller = ANYBODY
      return
    }
    const asked = request.is404 ? undefined : { scope, model: modelOf?.(request), isFiltered }
    request.caller = await authenticator.authenticate(takeToken(request), asked)
    if (request.caller === ANYBODY && refuseOthersThan !== undefined) {
      refuseOtherOrigins(request, refuseOthersThan)
    }
  })
}

/** Throws `forbidden` where the model does not exist for the caller: for routes that learn it from the body. */
export function requireModel(caller: Caller, model: string): void {
  if (maySee(caller, model)) return
  throw new VergerError(
    'forbidden',
    `Expected a token for the model ${model}, received one for ${caller.models?.join(', ')}`,
    { hint: `verger tokens create NAME --scope … --model ${model}` },
  )
}

function requireAllowed(caller: Caller, { scope, model, isFiltered }: Asked): void {
  if (!caller.scopes.includes(scope)) {
    throw new VergerError(
      'forbidden',
      `Expected a token with the scope ${scope}, received one with ${caller.scopes.join(', ')}`,
      { hint: `verger tokens create NAME --scope ${scope}`, details: { scope } },
    )
  }
  if (caller.models === undefined) return
  if (model !== undefined) requireModel(caller, model)
  else if (isFiltered !== true) {
    throw new VergerError(
      'forbidden',
      `Expected a token for all models, received one for ${caller.models.join(', ')}`,
      { hint: `verger tokens create NAME --scope ${scope}`, details: { scope } },
    )
  }
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
  const inHeader = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
  const apiKey = headers['x-goog-api-key']
  return inHeader ?? inQuery[0] ?? (typeof apiKey === 'string' ? apiKey : undefined)
}

/** Hashed first, so that the comparison takes the same time for every length. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
