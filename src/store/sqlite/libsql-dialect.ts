/** Kysely on libsql, whose interface is that of better-sqlite3 with a few differences. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  SqliteQueryCompiler,
} from 'kysely'
import type Database from 'libsql'
import { toSqliteError } from './sqlite-error.ts'

/** A dialect over one open database. Errors of SQLite become VergerErrors that name `file`. */
export class LibsqlDialect extends SqliteDialect {
  readonly #database: Database.Database
  readonly #file: string

  constructor(database: Database.Database, file: string) {
    super({ database })
    this.#database = database
    this.#file = file
  }

  override createDriver(): Driver {
    return new LibsqlDriver(this.#database, this.#file)
  }

  override createAdapter(): SqliteAdapter {
    return new LibsqlAdapter()
  }

  override createQueryCompiler(): SqliteQueryCompiler {
    return new LibsqlQueryCompiler()
  }
}

/** `for update` locks a row elsewhere; here a transaction has the whole database from its start. */
class LibsqlQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(): void {}
}

class LibsqlAdapter extends SqliteAdapter {
  /** SQLite can roll back `create table`; Kysely says it cannot, and would migrate without a transaction. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class LibsqlDriver extends SqliteDriver {
  readonly #database: Database.Database
  readonly #file: string

  constructor(database: Database.Database, file: string) {
    super({ database })
    this.#database = database
    this.#file = file
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return new WrappedConnection(await super.acquireConnection(), this.#file)
  }

  /** Takes the write lock first: a transaction that reads and then writes would fail when another one wrote between. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** After a full disk SQLite has rolled back by itself, and a second time would hide the first error. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.inTransaction) await super.rollbackTransaction(connection)
  }
}

class WrappedConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection
  readonly #file: string

  constructor(connection: DatabaseConnection, file: string) {
    this.#connection = connection
    this.#file = file
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.#connection.executeQuery<Row>(query)
    } catch (error) {
      throw toSqliteError(error, this.#file)
    }
  }

  streamQuery<Row>(
    query: CompiledQuery,
    chunkSize?: number,
  ): AsyncIterableIterator<QueryResult<Row>> {
    return this.#connection.streamQuery<Row>(query, chunkSize)
  }
}
