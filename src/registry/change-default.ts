import type { Kysely } from 'kysely'
import type { DefaultChangeKind, DefaultChangeRow, Schema } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import { currentUser } from './current-user.ts'
import { requireModel, updateModelRow } from './models.ts'
import type { Change, DefaultChange } from './registry.ts'

/** Switches a locked model and writes it down; gives undefined where nothing changes. What becomes the default is no trial any more. */
export async function changeDefault(
  db: Kysely<Schema>,
  model: string,
  change: Change & { readonly kind: DefaultChangeKind; readonly to: string | null },
): Promise<DefaultChange | undefined> {
  const { defaultVersion: from = null, canary, shadow } = await requireModel(db, model)
  const { to } = change
  if (from === to) return undefined
  await updateModelRow(db, model, {
    default_version: to,
    ...(canary?.version === to ? { canary_version: null, canary_percent: null } : {}),
    ...(shadow === to ? { shadow_version: null } : {}),
  })
  return recordChange(db, model, { ...change, from })
}

interface Recorded extends Change {
  readonly kind: DefaultChangeKind
  readonly from: string | null
  readonly to: string | null
  readonly percent?: number
}

export async function recordChange(
  db: Kysely<Schema>,
  model: string,
  { kind, from, to, who, why, percent, tookMs }: Recorded,
): Promise<DefaultChange> {
  const row = await db
    .insertInto('default_changes')
    .values(
      sealed({
        model,
        at: new Date().toISOString(),
        kind,
        who: who ?? currentUser(),
        why: why ?? '',
        from_version: from,
        to_version: to,
        percent: percent ?? null,
        took_us: tookMs === undefined ? null : Math.round(tookMs * 1000),
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
  return toChange(row)
}

export function toChange(row: DefaultChangeRow): DefaultChange {
  return {
    at: row.at,
    kind: row.kind,
    who: row.who,
    why: row.why,
    from: row.from_version ?? undefined,
    to: row.to_version ?? undefined,
    percent: row.percent ?? undefined,
    tookMs: row.took_us === null ? undefined : row.took_us / 1000,
  }
}
