/** What a home folder keeps: tables in `verger.db`, bytes in `blobs/`. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import Database from 'libsql'
import { createFolder, toWriteError } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import type { BlobStore } from './blob-store.ts'
import { checkDatabase } from './check-database.ts'
import { openFolderBlobStore } from './folder-blob-store.ts'
import { LibsqlDialect } from './libsql-dialect.ts'
import { migrate } from './migrate.ts'
import type { Schema } from './schema.ts'
import {
  BUSY_TIMEOUT_MS,
  messageOf,
  registryDamaged,
  sqliteCode,
  toStoreError,
} from './store-error.ts'

export interface Store {
  /** Path of the database, for messages. */
  readonly file: string
  readonly db: Kysely<Schema>
  readonly blobs: BlobStore
  close(): Promise<void>
}

/** How long to wait between tries at what SQLite does not wait for by itself. */
const RETRY_MS = 20

/**
 * Opens the store of a home folder and creates what is missing. Several processes may have it open. What a write has
 * returned for survives a killed process and a loss of power.
 *
 * Throws `registry_damaged` (and has changed nothing), `registry_newer`, `registry_busy`, `disk_full`, `write_failed`.
 */
export async function openStore(home: string): Promise<Store> {
  // Photos that people corrected lie in here: for the owner alone.
  await createFolder(home, { mode: 0o700 })
  const file = join(home, 'verger.db')
  const database = openDatabase(file)
  try {
    await prepare(database, file)
    const db = new Kysely<Schema>({ dialect: new LibsqlDialect(database, file) })
    await migrate(db, file)
    const blobs = await openFolderBlobStore(join(home, 'blobs'))
    return {
      file,
      db,
      blobs,
      async close() {
        moveLogIntoDatabase(database)
        await db.destroy()
      },
    }
  } catch (error) {
    database.close()
    throw toStoreError(error, file)
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
    const known = toStoreError(error, file)
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
