import type Database from 'libsql'
import { type ChangeFeed, POLL_MS } from '../changes.ts'

/**
 * SQLite counts what others have committed since a connection was opened (`data_version`) and what the connection itself
 * has changed (`total_changes`): https://sqlite.org/pragma.html#pragma_data_version
 */
export function createSqliteChanges(
  database: Database.Database,
): ChangeFeed & { readonly close: () => void } {
  const query = database
    .prepare('select data_version, total_changes() from pragma_data_version')
    .raw()
  const timers = new Set<NodeJS.Timeout>()
  const revision = () => (query.get() as unknown as readonly number[]).join('.')
  return {
    revision,
    watch(onChange) {
      let seen = revision()
      const timer = setInterval(() => {
        const now = revision()
        if (now === seen) return
        seen = now
        onChange()
      }, POLL_MS)
      timer.unref()
      timers.add(timer)
      return () => {
        clearInterval(timer)
        timers.delete(timer)
      }
    },
    close() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
