/** Models: use cases with a name. */
import { type Kysely, sql } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { ModelRow, Schema } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { nearestName, requireName } from './names.ts'
import type { Model, ModelDeletion, ModelSettings } from './registry.ts'

export async function createModel(
  { db }: Store,
  name: string,
  { description = '', keepCorrections = false }: ModelSettings = {},
): Promise<Model> {
  requireName('model', name)
  return db.transaction().execute(async (trx) => {
    if (!(await insertModel(trx, name, description, keepCorrections))) {
      throw new VergerError('model_exists', `Expected a new name for a model, ${name} exists`, {
        hint: `verger models show ${name}`,
        details: { model: name },
      })
    }
    return requireModel(trx, name)
  })
}

/** Gives whether the model is new. */
export async function insertModel(
  db: Kysely<Schema>,
  name: string,
  description = '',
  keepCorrections = false,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('models')
    .values(
      sealed({
        name,
        description,
        default_version: null,
        keep_corrections: keepCorrections ? 1 : 0,
        created_at: new Date().toISOString(),
      }),
    )
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

export async function listModels({ db }: Store): Promise<Model[]> {
  const rows = await selectModels(db).orderBy('name').execute()
  return rows.map(toModel)
}

export async function getModel({ db }: Store, name: string): Promise<Model> {
  return requireModel(db, name)
}

export async function updateModel(
  { db }: Store,
  name: string,
  { description, keepCorrections }: ModelSettings,
): Promise<Model> {
  return db.transaction().execute(async (trx) => {
    const before = await requireModel(trx, name)
    await updateModelRow(trx, name, {
      description: description ?? before.description,
      keep_corrections: (keepCorrections ?? before.keepCorrections) ? 1 : 0,
    })
    return requireModel(trx, name)
  })
}

/** Changes columns of an existing model, within the transaction of `db`. */
export async function updateModelRow(
  db: Kysely<Schema>,
  name: string,
  changes: Partial<Omit<ModelRow, 'name' | 'seal'>>,
): Promise<void> {
  const models = db.selectFrom('models').selectAll().where('name', '=', name)
  const row = sealed({ ...(await models.executeTakeFirstOrThrow()), ...changes })
  await db.updateTable('models').set(row).where('name', '=', name).execute()
}

export async function deleteModel(
  { db }: Store,
  name: string,
  { force = false, dryRun = false }: ModelDeletion = {},
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { versions } = await requireModel(trx, name)
    if (versions > 0 && !force) {
      throw new VergerError(
        'model_has_versions',
        `Expected a model without versions, ${name} has ${versions}`,
        { hint: `verger models delete ${name} --force`, details: { model: name, versions } },
      )
    }
    if (!dryRun) await trx.deleteFrom('models').where('name', '=', name).execute()
  })
}

/** Throws `model_unknown` with the names that exist. */
export async function requireModel(db: Kysely<Schema>, name: string): Promise<Model> {
  const row = await selectModels(db).where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return toModel(row)
  const models = await db.selectFrom('models').select('name').orderBy('name').execute()
  throw unknownModel(
    name,
    models.map((model) => model.name),
  )
}

const SHOWN_NAMES = 10

function unknownModel(name: string, names: readonly string[]): VergerError {
  const nearest = nearestName(name, names)
  const more = names.length > SHOWN_NAMES ? ', …' : ''
  const found = names.length === 0 ? 'none' : names.slice(0, SHOWN_NAMES).join(', ') + more
  return new VergerError(
    'model_unknown',
    `Expected the name of a model, received ${JSON.stringify(name)}; there is ${found}`,
    {
      hint:
        nearest === undefined
          ? 'verger models list shows every model; verger train DATASET --register NAME makes one.'
          : `Did you mean ${nearest}?`,
      details: { model: name, models: names },
    },
  )
}

function selectModels(db: Kysely<Schema>) {
  return db
    .selectFrom('models')
    .selectAll()
    .select(
      sql<number>`(select count(*) from versions where versions.model = models.name)`.as(
        'versions',
      ),
    )
}

function toModel(row: ModelRow & { readonly versions: number }): Model {
  return {
    name: row.name,
    description: row.description,
    defaultVersion: row.default_version ?? undefined,
    keepCorrections: row.keep_corrections === 1,
    versions: row.versions,
    createdAt: row.created_at,
  }
}
