import type { Kysely } from 'kysely'
import type { DefaultChangeKind, DefaultChangeRow, Schema } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import { currentUser } from './current-user.ts'
import { requireModel, updateModelRow } from './models.ts'
import type { Change, DefaultChange } from './registry.ts'

/** Switches and writes it down, within the transaction of `db`; gives undefined where nothing changes. */
export async function changeDefault(
  db: Kysely<Schema>,
  model: string,
  { kind, to, who, why }: Change & { readonly kind: DefaultChangeKind; readonly to: string | null },
): Promise<DefaultChange | undefined> {
  const from = (await requireModel(db, model)).defaultVersion ?? null
  if (from === to) return undefined
  await updateModelRow(db, model, { default_version: to })
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
  }
}
