/** Brings the tables of an opened database to the form that this program knows. */
import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { VergerError } from '../core/errors.ts'
import { createRegistryTables } from './migrations/0001-registry.ts'
import { addServingTables } from './migrations/0002-serving.ts'
import { createStagedTables } from './migrations/0003-staged-objects.ts'
import type { Dialect } from './migrations/column-types.ts'
import type { Schema } from './schema.ts'

/** In the order of their names. What one that was released does to a database is never changed. */
const MIGRATIONS: Readonly<Record<string, (dialect: Dialect) => Migration>> = {
  '0001-registry': createRegistryTables,
  '0002-serving': addServingTables,
  '0003-staged-objects': createStagedTables,
}

/** Whether there is anything to run. Throws `registry_newer`. */
export async function hasPending(
  db: Kysely<Schema>,
  dialect: Dialect,
  location: string,
): Promise<boolean> {
  const done = await readDone(db, dialect)
  const unknown = done.filter((name) => !Object.hasOwn(MIGRATIONS, name))
  if (unknown.length > 0) throw newer(location, unknown)
  return done.length < Object.keys(MIGRATIONS).length
}

/**
 * Runs what has not run yet, all of it or nothing; processes that start together wait for each other. Throws
 * `registry_newer` where the database has seen a migration that this program does not know.
 */
export async function migrate(
  db: Kysely<Schema>,
  dialect: Dialect,
  location: string,
): Promise<void> {
  // Migrator reads the whole schema several times; what is up to date is opened without it.
  if (!(await hasPending(db, dialect, location))) return
  const migrations = Object.entries(MIGRATIONS).map(([name, create]) => [name, create(dialect)])
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(migrations) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

/** Whether any migration has run, and so whether there are tables. */
export async function isMigrated(db: Kysely<Schema>, dialect: Dialect): Promise<boolean> {
  const table = 'kysely_migration'
  const query =
    dialect === 'sqlite'
      ? sql`select 1 from sqlite_master where name = ${table}`
      : sql`select 1 where to_regclass(${table}) is not null`
  return (await query.execute(db)).rows.length > 0
}

async function readDone(db: Kysely<Schema>, dialect: Dialect): Promise<string[]> {
  if (!(await isMigrated(db, dialect))) return []
  const done = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  return done.rows.map(({ name }) => name)
}

function newer(location: string, unknown: readonly string[]): VergerError {
  return new VergerError(
    'registry_newer',
    `Expected ${location} in a form that this version of Verger knows, found that a newer one has changed it (${unknown.join(', ')})`,
    { hint: 'Run the newer version of Verger; nothing was changed.', details: { path: location } },
  )
}
