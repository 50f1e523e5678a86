/** What several servers and foreign protocols need: labels, canary, shadow, tokens, audit, operations, a revision. */
import { type Kysely, type Migration, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import { sealed } from '../seal.ts'
import { COLUMN_TYPES, createGuard, type Dialect } from './column-types.ts'

export const addServingTables = (dialect: Dialect): Migration => ({
  async up(db: Kysely<Schema>) {
    await extendTables(db, dialect)
    await fillColumns(db, dialect)
    await createTables(db, dialect)
  },
})

async function extendTables(db: Kysely<Schema>, dialect: Dialect): Promise<void> {
  const { text, integer } = COLUMN_TYPES[dialect]
  const add = (table: 'models' | 'versions' | 'default_changes', name: string, type = text) =>
    db.schema.alterTable(table).addColumn(name, type)
  const addObject = (table: 'models' | 'versions', name: string) =>
    db.schema
      .alterTable(table)
      .addColumn(name, text, (column) => column.notNull().defaultTo(sql`'{}'`))
      .execute()
  await addObject('models', 'labels')
  await addObject('models', 'annotations')
  await add('models', 'canary_version').execute()
  await add('models', 'canary_percent', integer).execute()
  await add('models', 'shadow_version').execute()
  await add('models', 'keep_corrections_days', integer).execute()
  await db.schema
    .alterTable('models')
    .addColumn('updated_at', text, (column) => column.notNull().defaultTo(sql`''`))
    .execute()
  await addObject('versions', 'labels')
  await addObject('versions', 'annotations')
  await add('versions', 'backbone_files').execute()
  await db.schema
    .alterTable('versions')
    .addColumn('position', integer, (column) => column.notNull().defaultTo(sql`0`))
    .execute()
  await add('default_changes', 'percent', integer).execute()
  await add('default_changes', 'took_us', integer).execute()
}

/** Gives the new columns of existing rows their values, and seals these rows again. */
async function fillColumns(db: Kysely<Schema>, dialect: Dialect): Promise<void> {
  for (const row of await db.selectFrom('models').selectAll().execute()) {
    await db
      .updateTable('models')
      .set(sealed({ ...row, updated_at: row.created_at }))
      .where('name', '=', row.name)
      .execute()
  }
  const order = dialect === 'sqlite' ? sql`rowid` : sql`created_at, name`
  const positions = new Map<string, number>()
  for (const row of await db.selectFrom('versions').selectAll().orderBy(order).execute()) {
    const position = (positions.get(row.model) ?? 0) + 1
    positions.set(row.model, position)
    await db
      .updateTable('versions')
      .set(sealed({ ...row, position }))
      .where('model', '=', row.model)
      .where('name', '=', row.name)
      .execute()
  }
  await suspendGuard(db, dialect, async () => {
    for (const row of await db.selectFrom('default_changes').selectAll().execute()) {
      await db
        .updateTable('default_changes')
        .set({ seal: sealed(row).seal })
        .where('id', '=', row.id)
        .execute()
    }
  })
}

/** The history may not change, and its seals must. */
async function suspendGuard(
  db: Kysely<Schema>,
  dialect: Dialect,
  change: () => Promise<void>,
): Promise<void> {
  const name = 'default_changes_are_final'
  const table = 'default_changes'
  if (dialect === 'postgres') {
    await sql.raw(`alter table ${table} disable trigger ${name}`).execute(db)
    await change()
    await sql.raw(`alter table ${table} enable trigger ${name}`).execute(db)
    return
  }
  await sql.raw(`drop trigger ${name}`).execute(db)
  await change()
  const says = 'the history of a default is append-only'
  await createGuard(db, dialect, { name, table, on: 'update', says })
}

async function createTables(db: Kysely<Schema>, dialect: Dialect): Promise<void> {
  const { text, integer, rowNumber } = COLUMN_TYPES[dialect]
  await db.schema
    .createTable('tokens')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('hash', text, (column) => column.notNull().unique())
    .addColumn('scopes', text, (column) => column.notNull())
    .addColumn('models', text)
    .addColumn('created_at', text, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('expires_at', text)
    .addColumn('revoked_at', text)
    .addColumn('last_used_at', text)
    .execute()

  await db.schema
    .createTable('audit')
    .addColumn('id', rowNumber)
    .addColumn('at', text, (column) => column.notNull())
    .addColumn('who', text, (column) => column.notNull())
    .addColumn('action', text, (column) => column.notNull())
    .addColumn('target', text, (column) => column.notNull())
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('request_id', text)
    .addColumn('address', text)
    .addColumn('details', text, (column) => column.notNull())
    .execute()
  await db.schema.createIndex('audit_by_time').on('audit').columns(['at', 'id']).execute()
  const says = 'the audit log is append-only'
  await createGuard(db, dialect, { name: 'audit_is_final', table: 'audit', on: 'update', says })

  await db.schema
    .createTable('operations')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('version', text)
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('input', text, (column) => column.notNull())
    .addColumn('error_code', text)
    .addColumn('error_message', text)
    .addColumn('created_at', text, (column) => column.notNull())
    .addColumn('started_at', text)
    .addColumn('ended_at', text)
    .addColumn('cancel_requested', integer, (column) => column.notNull().defaultTo(sql`0`))
    .addColumn('runner', text)
    .addColumn('runner_seen_at', text)
    .addColumn('annotations', text, (column) => column.notNull().defaultTo(sql`'{}'`))
    .execute()
  await db.schema
    .createIndex('operations_by_time')
    .on('operations')
    .columns(['created_at', 'id'])
    .execute()

  await db.schema
    .createTable('revision')
    .addColumn('id', integer, (column) => column.primaryKey())
    .addColumn('value', integer, (column) => column.notNull())
    .execute()
  await db.insertInto('revision').values({ id: 1, value: 1 }).execute()
}
