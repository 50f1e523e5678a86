/** What both databases are to the rest of the program. */
import type { Kysely, Transaction } from 'kysely'
import type { ChangeFeed } from './changes.ts'
import type { Dialect } from './migrations/column-types.ts'
import type { Schema } from './schema.ts'

/** The tables, and how others hear of their changes. */
export interface OpenDatabase {
  /** For messages: path of the database, or its URL without the password. */
  readonly location: string
  readonly db: Kysely<Schema>
  readonly dialect: Dialect
  readonly changes: ChangeFeed
  /**
   * Runs a transaction that changes the registry: once more where another one got in its way, so `work` does nothing but
   * query. Every server hears of it once it is committed.
   */
  write<Result>(work: (trx: Transaction<Schema>) => Promise<Result>): Promise<Result>
  /** Holds the lock on references to blobs to the end of a transaction: alone, or with others who refer to some. */
  lockBlobs(trx: Transaction<Schema>, mode: 'share' | 'alone'): Promise<void>
  close(): Promise<void>
}
