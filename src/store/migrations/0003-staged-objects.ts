/** Files that are uploaded before a version is made of them. */
import type { Kysely, Migration } from 'kysely'
import type { Schema } from '../schema.ts'
import { COLUMN_TYPES, type Dialect } from './column-types.ts'

export const createStagedTables = (dialect: Dialect): Migration => ({
  async up(db: Kysely<Schema>) {
    const { text, integer } = COLUMN_TYPES[dialect]
    await db.schema
      .createTable('staged_objects')
      .addColumn('bucket', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('sha256', text, (column) => column.notNull())
      .addColumn('md5', text, (column) => column.notNull())
      .addColumn('size_bytes', integer, (column) => column.notNull())
      .addColumn('content_type', text, (column) => column.notNull())
      .addColumn('put_at', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('staged_objects_key', ['bucket', 'name'])
      .execute()
    await db.schema
      .createTable('staged_uploads')
      .addColumn('id', text, (column) => column.primaryKey())
      .addColumn('bucket', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('content_type', text, (column) => column.notNull())
      .addColumn('parts', text, (column) => column.notNull())
      .addColumn('put_at', text, (column) => column.notNull())
      .execute()
  },
})
