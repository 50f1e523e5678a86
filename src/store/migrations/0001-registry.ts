/** Models, their versions and defaults, corrected photos, and the datasets that were scanned. */
import type { Kysely, Migration } from 'kysely'
import { COLUMN_TYPES, createGuard, type Dialect } from './column-types.ts'

export const createRegistryTables = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const { text, integer, real, rowNumber } = COLUMN_TYPES[dialect]
    await db.schema
      .createTable('datasets')
      .addColumn('id', text, (column) => column.primaryKey())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('root', text, (column) => column.notNull())
      .addColumn('source', text, (column) => column.notNull())
      .addColumn('photo_count', integer, (column) => column.notNull())
      .addColumn('label_count', integer, (column) => column.notNull())
      .addColumn('size_bytes', integer, (column) => column.notNull())
      .addColumn('created_at', text, (column) => column.notNull())
      .execute()

    const models = db.schema
      .createTable('models')
      .addColumn('name', text, (column) => column.primaryKey())
      .addColumn('description', text, (column) => column.notNull())
      .addColumn('default_version', text)
      .addColumn('keep_corrections', integer, (column) => column.notNull())
      .addColumn('created_at', text, (column) => column.notNull())
      .addColumn('seal', text, (column) => column.notNull())
    const defaultVersion = [
      'models_default_version',
      ['name', 'default_version'],
      'versions',
      ['model', 'name'],
    ] as const
    // SQLite can name a table that does not exist yet, and cannot add the constraint later.
    if (dialect === 'sqlite') {
      const [name, columns, table, others] = defaultVersion
      await models.addForeignKeyConstraint(name, [...columns], table, [...others]).execute()
    } else {
      await models.execute()
    }

    await db.schema
      .createTable('versions')
      .addColumn('model', text, (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('bundle', text, (column) => column.notNull())
      .addColumn('files', text, (column) => column.notNull())
      .addColumn('description', text, (column) => column.notNull())
      .addColumn('created_at', text, (column) => column.notNull())
      .addColumn('seal', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('versions_primary_key', ['model', 'name'])
      .execute()
    if (dialect === 'postgres') {
      const [name, columns, table, others] = defaultVersion
      await db.schema
        .alterTable('models')
        .addForeignKeyConstraint(name, [...columns], table, [...others])
        .execute()
    }

    await db.schema
      .createTable('default_changes')
      .addColumn('id', rowNumber)
      .addColumn('model', text, (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('at', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('who', text, (column) => column.notNull())
      .addColumn('why', text, (column) => column.notNull())
      .addColumn('from_version', text)
      .addColumn('to_version', text)
      .addColumn('seal', text, (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('default_changes_by_model')
      .on('default_changes')
      .columns(['model', 'id'])
      .execute()
    await guardHistory(db, dialect)

    await db.schema
      .createTable('corrections')
      .addColumn('id', rowNumber)
      .addColumn('model', text, (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('version', text, (column) => column.notNull())
      .addColumn('photo_sha256', text, (column) => column.notNull())
      .addColumn('label', text, (column) => column.notNull())
      .addColumn('predicted', text, (column) => column.notNull())
      .addColumn('score', real, (column) => column.notNull())
      .addColumn('created_at', text, (column) => column.notNull())
      .addUniqueConstraint('corrections_one_per_photo', ['model', 'photo_sha256'])
      .execute()
  },
})

async function guardHistory(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const table = 'default_changes'
  const says = 'the history of a default is append-only'
  await createGuard(db, dialect, { name: 'default_changes_are_final', table, on: 'update', says })
  // The rows of a model that is deleted go with it: when they do, their model is gone already.
  const when = 'exists (select 1 from models where name = old.model)'
  const name = 'default_changes_are_kept'
  await createGuard(db, dialect, { name, table, on: 'delete', when, says })
}
