/** A registry in PostgreSQL, which several servers share. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import pg from 'pg'
import { hasPending, isMigrated, migrate } from '../migrate.ts'
import { moveRevision } from '../move-revision.ts'
import type { OpenDatabase } from '../open-database.ts'
import type { Schema } from '../schema.ts'
import { CHANGE_CHANNEL, createPostgresChanges } from './postgres-changes.ts'
import { WrappedPostgresDialect } from './postgres-dialect.ts'
import { isTransient } from './postgres-error.ts'

/** One server asks little of its registry; PostgreSQL allows 100 connections unless told otherwise. */
const CONNECTIONS = 8
const CONNECT_TIMEOUT_MS = 5_000
/** How long a write waits for that of another server, as with SQLite. */
const LOCK_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000
/** A server that hangs within a transaction lets the others go on after this time. */
const IDLE_TRANSACTION_TIMEOUT_MS = 30_000

const ATTEMPTS = 10
const LONGEST_PAUSE_MS = 500

/** Of the advisory lock; "verger" and a number in one. */
const BLOB_LOCK = sql.lit('8531346123710562817')

/** PostgreSQL sends 64-bit numbers as text, and those of the registry fit a JavaScript number. */
const INT8 = 20

/**
 * Opens the database that a URL names and creates the tables that are missing. Throws `registry_unreachable`,
 * `registry_refused`, `registry_newer`, `registry_busy`, `disk_full`, `config_invalid`.
 */
export async function openPostgres(url: string): Promise<OpenDatabase> {
  const location = locationOf(url)
  const settings = settingsOf(url)
  const open = (more: pg.PoolConfig) => openPool({ ...settings, ...more }, location)
  const db = open({
    max: CONNECTIONS,
    lock_timeout: LOCK_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
  })
  try {
    if (await hasPending(db, 'postgres', location)) {
      // A connection of its own, on which the wait for another server that migrates may be long.
      const migrating = open({ max: 1 })
      await migrate(migrating, 'postgres', location).finally(() => migrating.destroy())
    }
  } catch (error) {
    await db.destroy()
    throw error
  }
  const changes = createPostgresChanges({
    connect: () => new pg.Client(settings),
    readRevision: async () =>
      (await db.selectFrom('revision').select('value').executeTakeFirstOrThrow()).value,
  })
  return {
    location,
    db,
    dialect: 'postgres',
    changes,
    async write(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          // Not under the default of the server: rows are locked before they are read, and seen as they are then.
          const transaction = db.transaction().setIsolationLevel('read committed')
          const { result, revision } = await transaction.execute(async (trx) => {
            const result = await work(trx)
            const revision = await moveRevision(trx)
            await sql`select pg_notify(${CHANGE_CHANNEL}, ${String(revision)})`.execute(trx)
            return { result, revision }
          })
          changes.moveTo(revision)
          return result
        } catch (error) {
          if (!isTransient(error) || attempt === ATTEMPTS) throw error
        }
        await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** attempt))
      }
    },
    async lockBlobs(trx, mode) {
      const lock = mode === 'share' ? sql`pg_advisory_xact_lock_shared` : sql`pg_advisory_xact_lock`
      await sql`select ${lock}(${BLOB_LOCK}::bigint)`.execute(trx)
    },
    async close() {
      await changes.close()
      await db.destroy()
    },
  }
}

/** Whether the database that a URL names holds a registry; it is left as it is. Throws like `openPostgres`. */
export async function findPostgresTables(
  url: string,
): Promise<{ readonly location: string; readonly isThere: boolean }> {
  const location = locationOf(url)
  const db = openPool({ ...settingsOf(url), max: 1 }, location)
  try {
    return { location, isThere: await isMigrated(db, 'postgres') }
  } finally {
    await db.destroy()
  }
}

const settingsOf = (url: string): pg.PoolConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'verger',
  types: {
    getTypeParser: (id, format) =>
      id === INT8 ? Number : pg.types.getTypeParser(id, format as 'text'),
  },
})

function openPool(settings: pg.PoolConfig, location: string): Kysely<Schema> {
  const pool = new pg.Pool(settings)
  // A connection that breaks says so to the query that uses it, or is replaced before the next; no reason to end a process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely<Schema>({ dialect: new WrappedPostgresDialect(pool, location) })
}

/** The URL without its password. */
function locationOf(url: string): string {
  const withoutQuery = url.replace(/([?&]password=)[^&]*/, '$1…')
  return withoutQuery.replace(/^([a-z]+:\/\/[^:@/?]*):[^@]*@/, '$1@')
}
