/** Brings the tables of an opened database to the form that this program knows. */
import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { createRegistryTables } from './migrations/0001-registry.ts'
import type { Schema } from './schema.ts'

/** In the order of their names. One that was released is never changed. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-registry': createRegistryTables,
}

/**
 * Runs what has not run yet, all of it or nothing; processes that start together wait for each other. Throws
 * `registry_newer` where the database has seen a migration that this program does not know.
 */
export async function migrate(db: Kysely<Schema>, file: string): Promise<void> {
  const known = Object.keys(MIGRATIONS)
  // Migrator reads the whole schema several times; what is up to date is opened without it.
  const done = await readDone(db)
  const unknown = done.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw newer(file, unknown)
  if (done.length === known.length) return
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

async function readDone(db: Kysely<Schema>): Promise<string[]> {
  const tables = await sql`select 1 from sqlite_master where name = 'kysely_migration'`.execute(db)
  if (tables.rows.length === 0) return []
  const done = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  return done.rows.map(({ name }) => name)
}

function newer(file: string, unknown: readonly string[]): VergerError {
  return new VergerError(
    'registry_newer',
    `Expected ${file} in a form that this version of Verger knows, found that a newer one has changed it (${unknown.join(', ')})`,
    { hint: 'Run the newer version of Verger; nothing was changed.', details: { path: file } },
  )
}
