/** The audit log: who changed what, and who was refused. Nothing in it is changed or removed. */
import type { Kysely } from 'kysely'
import type { ErrorCode } from '../core/errors.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export interface AuditEntry {
  readonly who: string
  /** `default.set` and the like; the method and path of a request where it has no such name. */
  readonly action: string
  /** `fruits/v1`, `fruits`, the name of a token, or nothing. */
  readonly target: string
  readonly outcome: 'ok' | ErrorCode
  readonly requestId?: string | undefined
  /** Where the request came from; absent for the command line. */
  readonly address?: string | undefined
  readonly details?: Readonly<Record<string, unknown>>
}

export interface AuditRecord extends AuditEntry {
  readonly id: number
  readonly details: Readonly<Record<string, unknown>>
  /** ISO 8601. */
  readonly at: string
}

export interface AuditQuery {
  /** Entries of this time and later, ISO 8601. */
  readonly since?: string | undefined
  /** Entries about a model, or one of its versions. */
  readonly model?: string | undefined
  /** Entries older than the one with this id: the next page of a list. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Adds an entry, within the transaction of the change where `db` is one. */
export async function recordAudit(
  db: Kysely<Schema>,
  { who, action, target, outcome, requestId, address, details = {} }: AuditEntry,
): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      ...{ who, action, target, outcome },
      at: new Date().toISOString(),
      request_id: requestId ?? null,
      address: address ?? null,
      details: JSON.stringify(details),
    })
    .execute()
}

/** The newest first. */
export async function readAudit(
  { db }: Store,
  { since, model, before, limit }: AuditQuery,
): Promise<AuditRecord[]> {
  let query = db.selectFrom('audit').selectAll()
  if (since !== undefined) query = query.where('at', '>=', since)
  if (before !== undefined) query = query.where('id', '<', before)
  if (model !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb('target', '=', model),
        // Names hold `_`, which stands for any letter in a pattern.
        eb(eb.fn('substr', ['target', eb.val(1), eb.val(model.length + 1)]), '=', `${model}/`),
      ]),
    )
  }
  const rows = await query.orderBy('id', 'desc').limit(limit).execute()
  return rows.map((row) => ({
    id: Number(row.id),
    at: row.at,
    who: row.who,
    action: row.action,
    target: row.target,
    outcome: row.outcome as AuditEntry['outcome'],
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    ...(row.address === null ? {} : { address: row.address }),
    details: JSON.parse(row.details),
  }))
}
