/** Kysely on PostgreSQL, whose errors become VergerErrors. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  PostgresDialect,
  PostgresDriver,
  type QueryResult,
} from 'kysely'
import type { Pool } from 'pg'
import { toPostgresError } from './postgres-error.ts'

/** A dialect over a pool of connections. Its errors name `location`. */
export class WrappedPostgresDialect extends PostgresDialect {
  readonly #pool: Pool
  readonly #location: string

  constructor(pool: Pool, location: string) {
    super({ pool })
    this.#pool = pool
    this.#location = location
  }

  override createDriver(): Driver {
    return new WrappedDriver(this.#pool, this.#location)
  }
}

class WrappedDriver extends PostgresDriver {
  readonly #location: string

  constructor(pool: Pool, location: string) {
    super({ pool })
    this.#location = location
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    try {
      return new WrappedConnection(await super.acquireConnection(), this.#location)
    } catch (error) {
      throw toPostgresError(error, this.#location)
    }
  }

  /** Where the connection is gone PostgreSQL has rolled back by itself; a second error would hide the first. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => {})
  }

  override async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const { inner } = connection as WrappedConnection
    // The driver asks for a class that Kysely does not export.
    await super.releaseConnection(inner as Parameters<PostgresDriver['releaseConnection']>[0])
  }
}

class WrappedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection
  readonly #location: string

  constructor(inner: DatabaseConnection, location: string) {
    this.inner = inner
    this.#location = location
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.inner.executeQuery<Row>(query)
    } catch (error) {
      throw toPostgresError(error, this.#location)
    }
  }

  streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
  ): AsyncIterableIterator<QueryResult<Row>> {
    return this.inner.streamQuery<Row>(query, chunkSize)
  }
}
