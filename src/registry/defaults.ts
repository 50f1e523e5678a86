/** Which version of a model answers, and the history of that. */
import type { Kysely } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { DefaultChangeKind, DefaultChangeRow, Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { changeDefault, toChange } from './change-default.ts'
import { lockModel, requireModel } from './models.ts'
import type { Change, DefaultChange, Model } from './registry.ts'
import { requireVersion } from './versions.ts'

export async function setDefault(
  store: Store,
  model: string,
  version: string,
  change: Change = {},
): Promise<DefaultChange | undefined> {
  return store.write(async (trx) => {
    await lockModel(trx, model)
    await requireVersion(trx, model, version)
    return changeDefault(trx, model, { kind: 'set', to: version, ...change })
  })
}

export async function rollback(
  store: Store,
  model: string,
  change: Change = {},
): Promise<DefaultChange> {
  return store.write(async (trx) => {
    const to = await findEarlier(trx, await lockModel(trx, model))
    const done = await changeDefault(trx, model, { kind: 'rollback', to, ...change })
    if (done === undefined) throw new RangeError('the earlier default is another version')
    return done
  })
}

export async function rollbackTarget({ db }: Store, model: string): Promise<string> {
  return findEarlier(db, await requireModel(db, model))
}

async function findEarlier(
  db: Kysely<Schema>,
  { name: model, defaultVersion }: Model,
): Promise<string> {
  const kept = keptDefaults(await selectHistory(db, model))
  const versions = await db
    .selectFrom('versions')
    .select('name')
    .where('model', '=', model)
    .execute()
  const names = new Set(versions.map(({ name }) => name))
  const earlier = kept.findLast((name) => name !== defaultVersion && names.has(name))
  if (earlier !== undefined) return earlier
  throw new VergerError(
    'rollback_impossible',
    `Expected an earlier default of ${model} that still exists, found none`,
    { hint: `verger versions history ${model} shows what was default when.`, details: { model } },
  )
}

/** What was default and was not rolled back, in order of time; the last is the default of now. */
function keptDefaults(oldestFirst: readonly DefaultChangeRow[]): string[] {
  const stack: string[] = []
  for (const { kind, to_version: to } of oldestFirst) {
    if (to === null || !isOfDefault(kind)) continue
    if (kind === 'rollback') stack.splice(stack.lastIndexOf(to))
    stack.push(to)
  }
  return stack
}

/** Whether a change is one of the default, and not of a canary or shadow beside it. */
export const isOfDefault = (kind: DefaultChangeKind): boolean =>
  kind !== 'canary' && kind !== 'shadow'

export async function readHistory({ db }: Store, model: string): Promise<DefaultChange[]> {
  await requireModel(db, model)
  const rows = await selectHistory(db, model)
  return rows.reverse().map(toChange)
}

/** The oldest first. */
function selectHistory(db: Kysely<Schema>, model: string): Promise<DefaultChangeRow[]> {
  return db
    .selectFrom('default_changes')
    .selectAll()
    .where('model', '=', model)
    .orderBy('id')
    .execute()
}
