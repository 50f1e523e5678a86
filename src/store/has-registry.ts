import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreConfig } from './store.ts'

/** Whether there is a registry by now, so that one who only reads makes none. A database that is named is taken for one. */
export async function hasRegistry({ home, databaseUrl }: StoreConfig): Promise<boolean> {
  if (databaseUrl !== undefined) return true
  return access(join(home, 'verger.db')).then(
    () => true,
    () => false,
  )
}

/**
 * Where the registry is or would be, for messages, and whether its tables are there. Unlike `hasRegistry` it asks a database
 * that is named; nothing is made. Throws `registry_unreachable`, `registry_refused`, `config_invalid`.
 */
export async function findRegistry(
  config: StoreConfig,
): Promise<{ readonly location: string; readonly isThere: boolean }> {
  const { home, databaseUrl } = config
  if (databaseUrl === undefined) {
    return { location: join(home, 'verger.db'), isThere: await hasRegistry(config) }
  }
  const { findPostgresTables } = await import('./postgres/open-postgres.ts')
  return findPostgresTables(databaseUrl)
}
