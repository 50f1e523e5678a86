/** Fills a registry and its blob store from a backup. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { VergerError } from '../../core/errors.ts'
import { writeReferring } from '../../store/blob-lock.ts'
import type { Schema } from '../../store/schema.ts'
import { sealOf } from '../../store/seal.ts'
import type { Store } from '../../store/store.ts'
import { recordAudit } from '../audit.ts'
import { currentUser } from '../current-user.ts'
import { type BackupManifest, invalidBackup, type Row } from './backup-form.ts'
import { type OpenBackup, openBackup } from './open-backup.ts'
import { listTables, rowsOf, type Table } from './tables.ts'

export interface RestoreOptions {
  /** What `writeBackup` has written. */
  readonly from: string
  /** Whether the registry may hold something, which is then gone. */
  readonly replace?: boolean
  /** Verify the whole backup, and change nothing. */
  readonly dryRun?: boolean
  /** For the audit log; by default the user of the process. */
  readonly who?: string
  /** The total of a tar is that of its file. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** Rows in one statement; SQLite takes 32,766 values. */
const BATCH = 200

/**
 * Restores all of a backup or nothing. Throws `registry_not_empty` unless told to replace, `backup_invalid`,
 * `registry_newer`, `disk_full`, `write_failed`, and errors of the registry and blob store.
 */
export async function restoreBackup(
  store: Store,
  { from, replace = false, dryRun = false, who = currentUser(), onProgress }: RestoreOptions,
): Promise<BackupManifest> {
  const tables = await listTables(store.db)
  if (!replace) await requireEmpty(store.db, tables, store.location)
  const scratch = await mkdtemp(join(tmpdir(), 'verger-restore-'))
  try {
    let doneBytes = 0
    // Blobs that nothing refers to yet do no harm.
    const backup = await openBackup(from, scratch, async ({ sha256, path, sizeBytes }, total) => {
      if (!dryRun) await store.blobs.putFile(path, { sha256 })
      doneBytes += sizeBytes
      onProgress?.(doneBytes, total)
    })
    await checkRows(backup, tables, from)
    if (dryRun) return backup.manifest
    await writeReferring(
      store,
      async () => [...backup.blobs.keys()],
      async (trx) => {
        if (replace) await removeRows(trx, tables)
        // Again, since somebody may have been faster.
        else await requireEmpty(trx, tables, store.location)
        await insertRows(trx, backup)
        await recordAudit(trx, {
          ...{ who, action: 'registry.restore', target: '', outcome: 'ok' },
          details: { createdAt: backup.manifest.createdAt, registry: backup.manifest.registry },
        })
        if (store.dialect === 'postgres') await moveNumbers(trx, tables)
      },
    )
    return backup.manifest
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Nothing in it is ever changed or removed: what was done before a restoration was done, and its lines go before. */
const AUDIT = 'audit'

async function requireEmpty(
  db: Kysely<Schema>,
  tables: readonly Table[],
  location: string,
): Promise<void> {
  for (const { name } of tables) {
    if (name === AUDIT) continue
    const row = await rowsOf(db).selectFrom(name).selectAll().limit(1).executeTakeFirst()
    if (row === undefined) continue
    throw new VergerError(
      'registry_not_empty',
      `Expected an empty registry in ${location}, found ${name} in it`,
      {
        hint: 'Restore into another VERGER_HOME or database; --replace removes what is there.',
        details: { location, table: name },
      },
    )
  }
}

/** Throws `backup_invalid` where a row is damaged, and `registry_newer` where it is of a later form. */
async function checkRows(
  { readLines, manifest }: OpenBackup,
  tables: readonly Table[],
  from: string,
): Promise<void> {
  const columnsOf = new Map(tables.map(({ name, columns }) => [name, columns]))
  for await (const line of readLines()) {
    if (!('table' in line)) continue
    const { table, row } = line
    const known = columnsOf.get(table) ?? []
    const unknown = Object.keys(row).filter((column) => !known.includes(column))
    if (unknown.length > 0) {
      throw new VergerError(
        'registry_newer',
        `Expected a backup of a form that this version of Verger knows in ${from}, found ${table} with ${unknown.join(', ')}`,
        { hint: `Restore it with Verger ${manifest.verger}.`, details: { path: from } },
      )
    }
    const { seal } = row
    if (seal !== undefined && seal !== sealOf(row)) {
      throw invalidBackup(from, `a changed row of ${table}`)
    }
  }
}

/** Models first: all that is theirs goes with them, which their history allows in no other way. */
async function removeRows(db: Kysely<Schema>, tables: readonly Table[]): Promise<void> {
  for (const { name } of tables) {
    if (name !== AUDIT) await rowsOf(db).deleteFrom(name).execute()
  }
}

/** A default is set once its version is there. */
async function insertRows(db: Kysely<Schema>, { readLines }: OpenBackup): Promise<void> {
  const defaults: { readonly name: string; readonly default_version: string }[] = []
  const audited = new Set((await rowsOf(db).selectFrom(AUDIT).selectAll().execute()).map(keyOf))
  let table = ''
  let batch: Row[] = []
  const flush = async () => {
    if (batch.length > 0) await rowsOf(db).insertInto(table).values(batch).execute()
    batch = []
  }
  for await (const line of readLines()) {
    if (!('table' in line)) continue
    if (line.table !== table || batch.length === BATCH) await flush()
    table = line.table
    const { name, default_version } = line.row
    if (table === AUDIT) {
      // Numbered anew behind those that are there.
      const { id: _id, ...row } = line.row
      if (!audited.has(keyOf(row))) batch.push(row)
    } else if (table !== 'models') batch.push(line.row)
    else {
      batch.push({ ...line.row, default_version: null })
      if (typeof name === 'string' && typeof default_version === 'string') {
        defaults.push({ name, default_version })
      }
    }
  }
  await flush()
  for (const { name, default_version } of defaults) {
    await db.updateTable('models').set({ default_version }).where('name', '=', name).execute()
  }
}

/** Tells lines of the audit log apart without their numbers. */
const keyOf = ({ at, who, action, target, outcome }: Row): string =>
  JSON.stringify([at, who, action, target, outcome])

/** PostgreSQL numbers its next rows behind those that brought their numbers along; SQLite does so by itself. */
async function moveNumbers(db: Kysely<Schema>, tables: readonly Table[]): Promise<void> {
  for (const { name, columns } of tables) {
    if (!columns.includes('id')) continue
    await sql`
      select setval(sequence, greatest(1, (select max(id) from ${sql.table(name)})::bigint))
      from (select pg_get_serial_sequence(${name}, 'id') as sequence) of_table
      where sequence is not null and exists (select 1 from ${sql.table(name)})
    `.execute(db)
  }
}
