import { describe, expect, it } from 'vitest'
import { toSqliteError } from './sqlite-error.ts'

const failure = (code: string) => Object.assign(new Error('says SQLite'), { code })

describe('toSqliteError', () => {
  it.each([
    ['SQLITE_CORRUPT_INDEX', 'registry_damaged'],
    ['SQLITE_FULL', 'disk_full'],
    ['SQLITE_BUSY_SNAPSHOT', 'registry_busy'],
    ['SQLITE_READONLY', 'write_failed'],
    // SQLITE_READONLY_DIRECTORY, for which libsql has no name.
    ['UNKNOWN_SQLITE_ERROR_1544', 'write_failed'],
  ])('takes %s for %s', (sqlite, code) => {
    expect(toSqliteError(failure(sqlite), '/home/verger.db')).toMatchObject({
      code,
      message: expect.stringContaining('/home/verger.db'),
    })
  })

  it.each(['SQLITE_CONSTRAINT_PRIMARYKEY', 'UNKNOWN_SQLITE_ERROR_1', 'ENOENT'])(
    'gives %s as it is',
    (code) => {
      const error = failure(code)
      expect(toSqliteError(error, '/home/verger.db')).toBe(error)
    },
  )
})
