/** What SQLite says, in our words. */
import { VergerError } from '../../core/errors.ts'
import { registryDamaged } from '../registry-damaged.ts'

/** Result codes of SQLite by number (https://sqlite.org/rescode.html); extended ones have these in their low byte. */
const PRIMARY_CODES: ReadonlyMap<number, string> = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
])

/**
 * The code that SQLite gives, e.g. `SQLITE_CONSTRAINT_PRIMARYKEY`; absent on other errors. Where libsql has no name for an
 * extended code (`UNKNOWN_SQLITE_ERROR_1544`), the primary one.
 */
export function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
  if (typeof code !== 'string') return undefined
  const number = /^UNKNOWN_SQLITE_ERROR_([0-9]+)$/.exec(code)?.[1]
  if (number !== undefined) return PRIMARY_CODES.get(Number(number) & 0xff)
  return code.startsWith('SQLITE_') ? code : undefined
}

/** Maps errors that a user can do something about; any other one, a broken constraint too, is given as it is. */
export function toSqliteError(error: unknown, file: string): unknown {
  const code = sqliteCode(error) ?? ''
  const starts = (...prefixes: string[]) => prefixes.some((prefix) => code.startsWith(prefix))
  if (starts('SQLITE_CORRUPT', 'SQLITE_NOTADB'))
    return registryDamaged(file, messageOf(error), error)
  const details = { path: file, sqlite: code }
  // SHMSIZE: there is no room for the index of the write-ahead log, which a reader needs too.
  if (starts('SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE')) {
    return new VergerError('disk_full', `Expected space to write ${file}, the disk is full`, {
      hint: 'Free some space and run the command again; nothing half-written was kept.',
      details,
      cause: error,
    })
  }
  if (starts('SQLITE_BUSY', 'SQLITE_LOCKED')) {
    return new VergerError(
      'registry_busy',
      `Expected ${file} to be free within ${BUSY_TIMEOUT_MS / 1000} s, another process holds it`,
      { hint: 'Run the command again; end a verger process that hangs.', details, cause: error },
    )
  }
  if (starts('SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_IOERR')) {
    return new VergerError(
      'write_failed',
      `Expected to use ${file}, received ${messageOf(error)}`,
      {
        hint: 'Check that the folder and the file are yours to write and that the disk is healthy.',
        details,
        cause: error,
      },
    )
  }
  return error
}

/** What any thrown thing says. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** How long a write waits for that of another process. */
export const BUSY_TIMEOUT_MS = 10_000
