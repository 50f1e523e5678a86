/** The tables of the registry as data: those of today and those that a later version adds. */
import type { Kysely } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { Row } from './backup-form.ts'

export interface Table {
  readonly name: string
  readonly columns: readonly string[]
}

/** Others refer to these. */
const FIRST = ['models', 'versions']
/** What a database knows of itself. */
const OWN = ['revision', 'kysely_migration', 'kysely_migration_lock']

/** In an order in which they can be filled. */
export async function listTables(db: Kysely<Schema>): Promise<Table[]> {
  const tables = (await db.introspection.getTables())
    .filter(({ name, isView }) => !isView && !OWN.includes(name) && !name.startsWith('sqlite_'))
    .map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) }))
  const rank = ({ name }: Table) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length)
  return tables.sort(
    (one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name, 'en'),
  )
}

/** For queries on tables whose names are known at run time only. */
export const rowsOf = (db: Kysely<Schema>): Kysely<Record<string, Row>> =>
  db as unknown as Kysely<Record<string, Row>>
