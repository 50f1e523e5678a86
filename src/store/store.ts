/** What a registry keeps: tables in a database, bytes in a blob store. */
import type { Config } from '../core/config.ts'
import type { BlobStore } from './blob-store.ts'
import { openBlobStore } from './open-blob-store.ts'
import type { OpenDatabase } from './open-database.ts'

export interface Store extends OpenDatabase {
  readonly blobs: BlobStore
}

export type StoreConfig = Pick<Config, 'home'> & Partial<Pick<Config, 'databaseUrl' | 'blobsUrl'>>

/**
 * Opens the database and the blob store that the settings name, by default those of the home folder, and creates what is
 * missing. Several processes may have them open. What a write has returned for survives a killed process and a loss of
 * power.
 *
 * Throws `registry_damaged` (and has changed nothing), `registry_newer`, `registry_busy`, `disk_full`, `write_failed`,
 * `config_invalid`; with PostgreSQL `registry_unreachable` and `registry_refused`.
 */
export async function openStore({ home, databaseUrl, blobsUrl }: StoreConfig): Promise<Store> {
  const database = await openDatabase(home, databaseUrl)
  try {
    return { ...database, blobs: await openBlobStore(blobsUrl, home) }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openDatabase(home: string, url: string | undefined): Promise<OpenDatabase> {
  if (url === undefined) {
    const { openSqlite } = await import('./sqlite/open-sqlite.ts')
    return openSqlite(home)
  }
  const { openPostgres } = await import('./postgres/open-postgres.ts')
  return openPostgres(url)
}
