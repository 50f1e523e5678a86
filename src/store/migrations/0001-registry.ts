/** Models, their versions and defaults, corrected photos, and the datasets that were scanned. */
import { type Kysely, type Migration, sql } from 'kysely'

export const createRegistryTables: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('datasets')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('root', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('photo_count', 'integer', (column) => column.notNull())
      .addColumn('label_count', 'integer', (column) => column.notNull())
      .addColumn('size_bytes', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .execute()

    await db.schema
      .createTable('models')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('description', 'text', (column) => column.notNull())
      .addColumn('default_version', 'text')
      .addColumn('keep_corrections', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('seal', 'text', (column) => column.notNull())
      .addForeignKeyConstraint('models_default_version', ['name', 'default_version'], 'versions', [
        'model',
        'name',
      ])
      .execute()

    await db.schema
      .createTable('versions')
      .addColumn('model', 'text', (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('bundle', 'text', (column) => column.notNull())
      .addColumn('files', 'text', (column) => column.notNull())
      .addColumn('description', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('seal', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('versions_primary_key', ['model', 'name'])
      .execute()

    await db.schema
      .createTable('default_changes')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('model', 'text', (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('who', 'text', (column) => column.notNull())
      .addColumn('why', 'text', (column) => column.notNull())
      .addColumn('from_version', 'text')
      .addColumn('to_version', 'text')
      .addColumn('seal', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('default_changes_by_model')
      .on('default_changes')
      .columns(['model', 'id'])
      .execute()
    await sql`
      create trigger default_changes_are_final before update on default_changes
      begin select raise(abort, 'the history of a default is append-only'); end
    `.execute(db)
    // The rows of a model that is deleted go with it: when they do, their model is gone already.
    await sql`
      create trigger default_changes_are_kept before delete on default_changes
      when exists (select 1 from models where name = old.model)
      begin select raise(abort, 'the history of a default is append-only'); end
    `.execute(db)

    await db.schema
      .createTable('corrections')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('model', 'text', (column) =>
        column.notNull().references('models.name').onDelete('cascade'),
      )
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('photo_sha256', 'text', (column) => column.notNull())
      .addColumn('label', 'text', (column) => column.notNull())
      .addColumn('predicted', 'text', (column) => column.notNull())
      .addColumn('score', 'real', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addUniqueConstraint('corrections_one_per_photo', ['model', 'photo_sha256'])
      .execute()
  },
}
