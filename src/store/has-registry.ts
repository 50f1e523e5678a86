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
