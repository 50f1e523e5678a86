/** Tokens: who may ask a server for what. Their text is told once and not kept. */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { Schema, TokenRow } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { requireModel } from './models.ts'
import { nearestName, requireName } from './names.ts'
import { SCOPES, type Scope } from './scopes.ts'
import { createTokenText, hashToken } from './token-text.ts'

export interface Token {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The only models that it is for; absent where it is for all. */
  readonly models?: readonly string[]
  readonly state: 'active' | 'expired' | 'revoked'
  /** ISO 8601, as are the other times. */
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt?: string
  readonly revokedAt?: string
  /** To the hour. */
  readonly lastUsedAt?: string
}

/** A token with its text, which nobody can read again. */
export interface CreatedToken extends Token {
  readonly token: string
}

export interface NewToken {
  readonly name: string
  readonly scopes: readonly string[]
  readonly models?: readonly string[] | undefined
  /** ISO 8601, in the future. */
  readonly expiresAt?: string | undefined
}

/** A token as a server compares it. */
export interface KnownToken {
  readonly name: string
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly models?: readonly string[]
  readonly expiresAtMs: number
  readonly isRevoked: boolean
}

/** Names that callers without such a token have in the history. */
const TAKEN_NAMES = ['VERGER_TOKEN', 'anonymous']

/** Throws `name_invalid`, `token_invalid`, `token_exists`, `model_unknown`. */
export async function createToken(
  store: Store,
  given: NewToken,
  createdBy: string,
): Promise<CreatedToken> {
  const { name } = given
  requireName('token', name)
  const [scopes, models] = [parseScopes(given.scopes), [...new Set(given.models ?? [])]]
  const token = createTokenText()
  const row: TokenRow = {
    id: randomUUID(),
    name,
    hash: hashToken(token),
    scopes: JSON.stringify(scopes),
    models: models.length === 0 ? null : JSON.stringify(models),
    created_at: new Date().toISOString(),
    created_by: createdBy,
    expires_at: given.expiresAt === undefined ? null : parseExpiry(given.expiresAt),
    revoked_at: null,
    last_used_at: null,
  }
  await store.write(async (trx) => {
    const existing = await selectToken(trx, name)
    if (existing !== undefined || TAKEN_NAMES.includes(name)) {
      throw new VergerError(
        'token_exists',
        `Expected a new name for a token, ${name} is or was one`,
        { hint: 'verger tokens list', details: { name } },
      )
    }
    for (const model of models) await requireModel(trx, model)
    await trx.insertInto('tokens').values(row).execute()
  })
  return { ...toToken(row), token }
}

/** All that ever were, in the order in which they were made. */
export async function listTokens({ db }: Store): Promise<Token[]> {
  const rows = await db
    .selectFrom('tokens')
    .selectAll()
    .orderBy('created_at')
    .orderBy('name')
    .execute()
  return rows.map(toToken)
}

/** Every server refuses the token within a second; its name stays taken. Throws `token_unknown`. */
export async function revokeToken(store: Store, name: string): Promise<Token> {
  return store.write(async (trx) => {
    const row = await selectToken(trx, name)
    if (row === undefined) throw await unknownToken(trx, name)
    if (row.revoked_at !== null) return toToken(row)
    const revoked = { ...row, revoked_at: new Date().toISOString() }
    await trx
      .updateTable('tokens')
      .set({ revoked_at: revoked.revoked_at })
      .where('name', '=', name)
      .execute()
    return toToken(revoked)
  })
}

/** What a server compares the tokens of its callers with, those that no longer count among them. */
export async function readKnownTokens({ db }: Store): Promise<KnownToken[]> {
  const rows = await db.selectFrom('tokens').selectAll().execute()
  return rows.map(({ name, hash, scopes, models, expires_at, revoked_at }) => ({
    name,
    hash,
    scopes: JSON.parse(scopes),
    ...(models === null ? {} : { models: JSON.parse(models) }),
    expiresAtMs: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at),
    isRevoked: revoked_at !== null,
  }))
}

/** The time to which it is known when tokens were used, so that it is seldom written. */
const USE_STEP_MS = 3_600_000

/** Keeps when tokens were last used, where it is not known to the hour already. Moves no revision. */
export async function recordUse(
  { db }: Store,
  usedAtMs: ReadonlyMap<string, number>,
): Promise<void> {
  for (const [name, ms] of usedAtMs) {
    await db
      .updateTable('tokens')
      .set({ last_used_at: new Date(ms).toISOString() })
      .where('name', '=', name)
      .where((eb) =>
        eb.or([
          eb('last_used_at', 'is', null),
          eb('last_used_at', '<', new Date(ms - USE_STEP_MS).toISOString()),
        ]),
      )
      .execute()
  }
}

function toToken(row: TokenRow): Token {
  const { name, scopes, models, created_at, created_by, expires_at, revoked_at, last_used_at } = row
  const isExpired = expires_at !== null && Date.parse(expires_at) <= Date.now()
  return {
    name,
    scopes: JSON.parse(scopes),
    ...(models === null ? {} : { models: JSON.parse(models) }),
    state: revoked_at !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    createdAt: created_at,
    createdBy: created_by,
    ...(expires_at === null ? {} : { expiresAt: expires_at }),
    ...(revoked_at === null ? {} : { revokedAt: revoked_at }),
    ...(last_used_at === null ? {} : { lastUsedAt: last_used_at }),
  }
}

function parseScopes(given: readonly string[]): Scope[] {
  const unknown = given.filter((each) => !(SCOPES as readonly string[]).includes(each))
  if (unknown.length === 0 && given.length > 0) {
    return SCOPES.filter((scope) => given.includes(scope))
  }
  throw new VergerError(
    'token_invalid',
    `Expected one or several of the scopes ${SCOPES.join(', ')}, received ${unknown.join(', ') || 'none'}`,
    { hint: 'For example: --scope predict,read' },
  )
}

function parseExpiry(given: string): string {
  const ms = Date.parse(given)
  if (ms > Date.now()) return new Date(ms).toISOString()
  throw new VergerError(
    'token_invalid',
    `Expected a time in the future at which the token expires, received ${JSON.stringify(given)}`,
    { hint: 'For example 90d, 12h, or 2030-01-31T00:00:00Z.' },
  )
}

const selectToken = (db: Kysely<Schema>, name: string) =>
  db.selectFrom('tokens').selectAll().where('name', '=', name).executeTakeFirst()

async function unknownToken(db: Kysely<Schema>, name: string): Promise<VergerError> {
  const names = (await db.selectFrom('tokens').select('name').execute()).map((row) => row.name)
  const nearest = nearestName(name, names)
  return new VergerError(
    'token_unknown',
    `Expected the name of a token, received ${JSON.stringify(name)}`,
    {
      hint: nearest === undefined ? 'verger tokens list' : `Did you mean ${nearest}?`,
      details: { name },
    },
  )
}
