/** Who a token stands for, and whether they may: the same for every protocol. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { VergerError } from '../core/errors.ts'
import { type Caller, maySee, SCOPES, type Scope } from '../registry/scopes.ts'
import { isWholeToken } from '../registry/token-text.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { TokenIndex } from './token-index.ts'

/** Everybody, where no token guards the server. */
export const ANYBODY: Caller = { name: 'anonymous', scopes: SCOPES }

/** What somebody wants to do. */
export interface Asked {
  readonly scope: Scope
  readonly model?: string | undefined
  /** See the config of routes. */
  readonly isFiltered?: boolean | undefined
}

export interface Authenticator {
  /** Whether nobody is let in without a token. */
  isGuarded(): Promise<boolean>
  /**
   * Gives the caller whose token this is, `ANYBODY` where no token guards the server. Throws `unauthorized`, or
   * `too_many_failures` where too many wrong tokens came from the address.
   */
  identify(token: string | undefined, address: string): Promise<Caller>
  /** As `identify`, and throws `forbidden` where the token does not allow what is asked. */
  authenticate(token: string | undefined, asked: Asked, address: string): Promise<Caller>
}

export interface AuthenticatorOptions {
  /** VERGER_TOKEN: somebody has chosen it, so it may be guessed. */
  readonly token: string | undefined
  readonly tokens: TokenIndex
  readonly failures: FailureLimit
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { tokens, failures } = options
  const expected = options.token === undefined ? undefined : digest(options.token)

  const isGuarded = async () => expected !== undefined || (await tokens.hasAny())

  async function identify(token: string | undefined, address: string): Promise<Caller> {
    if (!(await isGuarded())) return ANYBODY
    if (token === undefined) throw unauthorized('none')
    // 256 random bits are not guessed: they are looked up however many others have failed.
    const known = await tokens.find(token)
    if (known?.isRevoked === true) throw unauthorized(`the token ${known.name}, which was revoked`)
    if (known !== undefined && known.expiresAtMs <= Date.now()) {
      throw unauthorized(`the token ${known.name}, which expired`)
    }
    if (known !== undefined) {
      tokens.touch(known)
      const { name, scopes, models } = known
      return { name, scopes, ...(models === undefined ? {} : { models }) }
    }
    const waitMs = failures.waitMs(address)
    if (waitMs > 0) throw tooManyFailures(waitMs)
    if (expected !== undefined && timingSafeEqual(digest(token), expected)) {
      return { name: 'VERGER_TOKEN', scopes: SCOPES }
    }
    failures.fail(address)
    throw unauthorized(
      token.startsWith('vgr_') && !isWholeToken(token)
        ? 'another token: its checksum is wrong, so it was cut off or mistyped'
        : 'another token',
    )
  }

  return {
    isGuarded,
    identify,
    async authenticate(token, asked, address) {
      const caller = await identify(token, address)
      requireAllowed(caller, asked)
      return caller
    },
  }
}

/** Throws `forbidden`. */
export function requireAllowed(caller: Caller, { scope, model, isFiltered }: Asked): void {
  if (!caller.scopes.includes(scope)) {
    throw forbidden(
      `Expected a token with the scope ${scope}, received ${caller.name} with ${caller.scopes.join(', ')}`,
      { scope, caller: caller.name },
    )
  }
  if (model !== undefined) requireModel(caller, model)
  else if (caller.models !== undefined && isFiltered !== true) {
    throw forbidden(
      `Expected a token for all models, received ${caller.name} for ${caller.models.join(', ')}`,
      { scope, caller: caller.name },
    )
  }
}

/** Throws `forbidden` where the model does not exist for the caller: for routes that learn it from the body. */
export function requireModel(caller: Caller, model: string): void {
  if (maySee(caller, model)) return
  throw forbidden(
    `Expected a token for the model ${model}, received ${caller.name} for ${caller.models?.join(', ')}`,
    { caller: caller.name },
  )
}

/** The token in a header or in metadata of gRPC. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]

const unauthorized = (received: string): VergerError =>
  new VergerError(
    'unauthorized',
    `Expected the header Authorization: Bearer <token>, received ${received}`,
    {
      hint: 'A token is what verger tokens create gave, or the value of VERGER_TOKEN of the server.',
      details: { isGiven: received !== 'none' },
    },
  )

const forbidden = (message: string, details: { scope?: Scope; caller: string }): VergerError =>
  new VergerError('forbidden', message, {
    hint: 'verger tokens create NAME --scope … makes a token that allows it.',
    details,
  })

function tooManyFailures(waitMs: number): VergerError {
  const retryAfterSeconds = Math.ceil(waitMs / 1000)
  return new VergerError(
    'too_many_failures',
    `Expected few wrong tokens from one address, received more; the next is looked at in ${retryAfterSeconds} s`,
    {
      hint: 'Tokens that verger tokens create gave are answered all the same.',
      details: { retryAfterSeconds },
    },
  )
}

/** Hashed first, so that the comparison takes the same time for every length. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
