/** The database of a home folder: `verger.db`. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import Database from 'libsql'
import { createFolder, toWriteError } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { migrate } from '../migrate.ts'
import { moveRevision } from '../move-revision.ts'
import type { OpenDatabase } from '../open-database.ts'
import { registryDamaged } from '../registry-damaged.ts'
import type { Schema } from '../schema.ts'
import { checkDatabase } from './check-database.ts'
import { LibsqlDialect } from './libsql-dialect.ts'
import { createSqliteChanges } from './sqlite-changes.ts'
import { BUSY_TIMEOUT_MS, messageOf, sqliteCode, toSqliteError } from './sqlite-error.ts'

/** How long to wait between tries at what SQLite does not wait for by itself. */
const RETRY_MS = 20

/** Throws `registry_damaged` (and has changed nothing), `registry_newer`, `registry_busy`, `disk_full`, `write_failed`. */
export async function openSqlite(home: string): Promise<OpenDatabase> {
  // Photos that people corrected lie in here: for the owner alone.
  await createFolder(home, { mode: 0o700 })
  const file = join(home, 'verger.db')
  const database = openDatabase(file)
  try {
    await prepare(database, file)
    const db = new Kysely<Schema>({ dialect: new LibsqlDialect(database, file) })
    await migrate(db, 'sqlite', file)
    const changes = createSqliteChanges(database)
    return {
      location: file,
      db,
      dialect: 'sqlite',
      changes,
      write: (work) =>
        db.transaction().execute(async (trx) => {
          const result = await work(trx)
          await moveRevision(trx)
          return result
        }),
      // Transactions that write have the whole database.
      lockBlobs: async () => {},
      async close() {
        changes.close()
        moveLogIntoDatabase(database)
        await db.destroy()
      },
    }
  } catch (error) {
    database.close()
    throw toSqliteError(error, file)
  }
}

/** So that a copy of verger.db alone is nearly a backup. What cannot be moved now is as safe in the log. */
function moveLogIntoDatabase(database: Database.Database): void {
  try {
    if (database.open) database.exec('pragma wal_checkpoint(passive)')
  } catch {
    // The disk is full, or another process is at it.
  }
}

function openDatabase(file: string): Database.Database {
  try {
    return new Database(file, { timeout: BUSY_TIMEOUT_MS })
  } catch (error) {
    throw toWriteError(error, file)
  }
}

async function prepare(database: Database.Database, file: string): Promise<void> {
  check(database, file)
  database.exec('pragma foreign_keys = on')
  await useWriteAheadLog(database)
  // In write-ahead mode less than `full` would lose the newest commits at a loss of power.
  database.exec('pragma synchronous = full')
}

function check(database: Database.Database, file: string): void {
  try {
    checkDatabase(database, file)
  } catch (error) {
    const known = toSqliteError(error, file)
    throw known instanceof VergerError ? known : registryDamaged(file, messageOf(error), error)
  }
}

/** Readers then never wait for a writer. SQLite gives up at once where two processes change the mode together. */
async function useWriteAheadLog(database: Database.Database): Promise<void> {
  const deadlineMs = performance.now() + BUSY_TIMEOUT_MS
  for (;;) {
    try {
      database.exec('pragma journal_mode = wal')
      return
    } catch (error) {
      const isBusy = sqliteCode(error)?.startsWith('SQLITE_BUSY') === true
      if (!isBusy || performance.now() > deadlineMs) throw error
    }
    await sleep(RETRY_MS)
  }
}
