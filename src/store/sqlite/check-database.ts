/** Looks through a whole database for damage before anything in it is believed. */
import type Database from 'libsql'
import { registryDamaged } from '../registry-damaged.ts'
import { sealOf } from '../seal.ts'

/**
 * Throws `registry_damaged`, or the error of SQLite.
 *
 * SQLite itself does not look at the bytes of a text, and libsql ends the whole process when it is asked for a text that
 * is not UTF-8; so every text is first read as bytes.
 */
export function checkDatabase(database: Database.Database, file: string): void {
  const [fault] = texts(
    database,
    'select cast(integrity_check as blob) from pragma_integrity_check',
  )
  if (fault?.[0] !== 'ok') throw registryDamaged(file, fault?.[0] ?? 'a text that is not UTF-8')
  const orphans = database.prepare('select 1 from pragma_foreign_key_check').all()
  if (orphans.length > 0) throw registryDamaged(file, 'rows that refer to rows that are gone')
  for (const [table, columns] of readTables(database, file)) {
    if (columns.includes('seal')) checkRows(database, file, table, columns)
    else checkTexts(database, file, table, columns)
  }
}

function checkRows(
  database: Database.Database,
  file: string,
  table: string,
  columns: readonly string[],
): void {
  const list = columns.map((column) => `cast(${quote(column)} as blob)`).join(', ')
  for (const row of texts(database, `select ${list} from ${quote(table)}`)) {
    if (row.includes(undefined)) throw notText(file, table)
    const values = Object.fromEntries(columns.map((column, index) => [column, row[index] ?? '']))
    if (sealOf(values) !== values['seal']) {
      throw registryDamaged(file, `a changed row in the table ${table}`)
    }
  }
}

/** Reads a whole table as one text, since there may be many rows; a cut sequence does not survive the space behind it. */
function checkTexts(
  database: Database.Database,
  file: string,
  table: string,
  columns: readonly string[],
): void {
  const row = columns.map((column) => `coalesce(${quote(column)}, '')`).join(` || ' ' || `)
  const query = `select cast(group_concat(${row}, ' ') as blob) from ${quote(table)}`
  if (texts(database, query).flat().includes(undefined)) throw notText(file, table)
}

/** Names of the columns of each table. */
function readTables(database: Database.Database, file: string): ReadonlyMap<string, string[]> {
  const tables = new Map<string, string[]>()
  const rows = texts(
    database,
    `select cast(t.name as blob), cast(c.name as blob), cast(coalesce(t.sql, '') as blob)
     from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`,
  )
  for (const [table, column, sql] of rows) {
    if (table === undefined || column === undefined || sql === undefined) {
      throw notText(file, 'sqlite_master')
    }
    tables.set(table, [...(tables.get(table) ?? []), column])
  }
  return tables
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Rows of a query whose columns are all blobs or null, as texts; undefined stands for one that is not UTF-8. */
function texts(database: Database.Database, query: string): (string | undefined)[][] {
  const rows = database.prepare(query).raw().all() as (ArrayBuffer | null)[][]
  return rows.map((row) => row.map((bytes) => (bytes === null ? '' : decode(bytes))))
}

function decode(bytes: ArrayBuffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const notText = (file: string, table: string) =>
  registryDamaged(file, `a text that is not UTF-8 in the table ${table}`)
