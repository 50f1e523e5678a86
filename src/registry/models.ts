/** Models: use cases with a name. */
import type { Kysely, NotNull } from 'kysely'
import { VergerError } from '../core/errors.ts'
import type { ModelRow, Schema } from '../store/schema.ts'
import { sealed } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { nearestName, requireName } from './names.ts'
import type { Model, ModelDeletion, ModelSettings, Precondition } from './registry.ts'
import { checkSettings, mergeAnnotations, parseObject, requireMatch } from './settings.ts'

export async function createModel(
  store: Store,
  name: string,
  settings: ModelSettings = {},
): Promise<Model> {
  requireName('model', name)
  checkSettings(settings)
  return store.write(async (trx) => {
    if (!(await insertModel(trx, name, settings))) {
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
  { description = '', labels = {}, annotations = {}, ...kept }: ModelSettings = {},
): Promise<boolean> {
  const now = new Date().toISOString()
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('models')
    .values(
      sealed({
        name,
        description,
        default_version: null,
        keep_corrections: kept.keepCorrections === true ? 1 : 0,
        keep_corrections_days: kept.keepCorrectionsDays ?? null,
        labels: JSON.stringify(labels),
        annotations: JSON.stringify(mergeAnnotations({}, annotations)),
        canary_version: null,
        canary_percent: null,
        shadow_version: null,
        created_at: now,
        updated_at: now,
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
  store: Store,
  name: string,
  settings: ModelSettings,
  { ifMatch }: Precondition = {},
): Promise<Model> {
  checkSettings(settings)
  const { description, keepCorrections, keepCorrectionsDays, labels, annotations } = settings
  return store.write(async (trx) => {
    const before = await lockModel(trx, name)
    requireMatch(`model ${name}`, before.etag, ifMatch)
    const days =
      keepCorrectionsDays === undefined ? before.keepCorrectionsDays : keepCorrectionsDays
    await updateModelRow(trx, name, {
      description: description ?? before.description,
      keep_corrections: (keepCorrections ?? before.keepCorrections) ? 1 : 0,
      keep_corrections_days: days ?? null,
      labels: JSON.stringify(labels ?? before.labels),
      annotations: JSON.stringify(mergeAnnotations(before.annotations, annotations)),
    })
    return requireModel(trx, name)
  })
}

/** Changes columns of a model that the transaction of `db` has locked. */
export async function updateModelRow(
  db: Kysely<Schema>,
  name: string,
  changes: Partial<Omit<ModelRow, 'name' | 'updated_at' | 'seal'>>,
): Promise<void> {
  const models = db.selectFrom('models').selectAll().where('name', '=', name)
  const before = await models.executeTakeFirstOrThrow()
  const row = sealed({ ...before, ...changes, updated_at: new Date().toISOString() })
  await db.updateTable('models').set(row).where('name', '=', name).execute()
}

export async function deleteModel(
  store: Store,
  name: string,
  { force = false, dryRun = false }: ModelDeletion = {},
): Promise<void> {
  await store.write(async (trx) => {
    const { versions } = await lockModel(trx, name)
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

/** Lets no other transaction change the model, its versions or its default before the end of this one. */
export async function lockModel(db: Kysely<Schema>, name: string): Promise<Model> {
  await db.selectFrom('models').select('name').where('name', '=', name).forUpdate().execute()
  // Read only now: what another transaction did before it let go is seen.
  return requireModel(db, name)
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
    .select((models) =>
      models
        .selectFrom('versions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('versions.model', '=', 'models.name')
        .as('versions'),
    )
    .$narrowType<{ versions: NotNull }>()
}

function toModel(row: ModelRow & { readonly versions: number }): Model {
  return {
    name: row.name,
    description: row.description,
    defaultVersion: row.default_version ?? undefined,
    keepCorrections: row.keep_corrections === 1,
    keepCorrectionsDays: row.keep_corrections_days ?? undefined,
    versions: row.versions,
    labels: parseObject(row.labels),
    annotations: parseObject(row.annotations),
    canary: toCanary(row),
    shadow: row.shadow_version ?? undefined,
    etag: row.seal,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

const toCanary = ({ canary_version: version, canary_percent: percent }: ModelRow) =>
  version === null || percent === null ? undefined : { version, percent }
