/** All rows of the registry as they are at one moment, while others go on writing. */
import { type Kysely, sql } from 'kysely'
import type { Schema } from '../../store/schema.ts'
import type { Store } from '../../store/store.ts'
import type { Row } from './backup-form.ts'
import { listTables, rowsOf } from './tables.ts'

/** Columns by which the rows of tables without numbers are told apart. */
const KEYS = ['model', 'bucket', 'name']

/** Rows that are read at once. */
const PAGE = 1000

/** Runs `use` on a connection to which the registry stays as it is. */
export async function withSnapshot<Result>(
  { db, dialect }: Store,
  use: (db: Kysely<Schema>) => Promise<Result>,
): Promise<Result> {
  if (dialect === 'postgres') {
    return db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(use)
  }
  // Not a transaction of Kysely: that would take the lock for writing.
  return db.connection().execute(async (connection) => {
    await sql`begin deferred`.execute(connection)
    try {
      return await use(connection)
    } finally {
      await sql`rollback`.execute(connection)
    }
  })
}

/** Gives each row of each table, those first that others refer to. */
export async function* readRows(
  db: Kysely<Schema>,
): AsyncGenerator<{ readonly table: string; readonly row: Row }> {
  for (const { name: table, columns } of await listTables(db)) {
    if (!columns.includes('id')) {
      const rows = rowsOf(db).selectFrom(table).selectAll()
      const keys = KEYS.filter((key) => columns.includes(key))
      const sorted = keys.reduce((query, key) => query.orderBy(key), rows)
      for (const row of await sorted.execute()) yield { table, row }
      continue
    }
    let last: Row[string] | undefined
    for (;;) {
      const query = rowsOf(db).selectFrom(table).selectAll().orderBy('id').limit(PAGE)
      const page = await (last === undefined ? query : query.where('id', '>', last)).execute()
      for (const row of page) yield { table, row }
      last = page.at(-1)?.['id']
      if (page.length < PAGE) break
    }
  }
}
