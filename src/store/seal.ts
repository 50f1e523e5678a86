/**
 * A seal is a hash over a row, kept in the row: SQLite finds a damaged page by its structure only, and a byte that
 * changed within a text would otherwise be believed. The seals of models, versions and the history are checked whenever
 * a database is opened. A migration that adds a column to a sealed table seals its rows again. Sealed numbers are whole:
 * SQLite and JavaScript write others differently.
 */
import { sha256 } from '../core/hashes.ts'

type Value = string | number | null

/** Hexadecimal digits of a seal: against accidents, not against people. */
const SEAL_LENGTH = 16

/** Columns that the database fills in. */
const UNSEALED = ['id', 'seal']

/** The row with its seal in place of any that it had. */
export function sealed<Row extends object>(row: Row): Row & { readonly seal: string } {
  return { ...row, seal: sealOf(row as Record<string, Value>) }
}

/** Takes numbers as their text and null as no text, as `checkDatabase` reads them. */
export function sealOf(row: Readonly<Record<string, Value>>): string {
  const columns = Object.keys(row).filter((column) => !UNSEALED.includes(column))
  const values = columns.sort().map((column) => [column, String(row[column] ?? '')])
  return sha256(Buffer.from(JSON.stringify(values))).slice(0, SEAL_LENGTH)
}
