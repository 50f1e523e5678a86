/** What PostgreSQL and the way to it say, in our words. */
import { type ErrorCode, VergerError } from '../../core/errors.ts'
import { registryDamaged } from '../registry-damaged.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly expected: string
  readonly hint: string
}

const UNREACHABLE: Meaning = {
  code: 'registry_unreachable',
  expected: 'to reach PostgreSQL',
  hint: 'Check that it runs and that VERGER_DATABASE_URL names its host and port.',
}
const REFUSED: Meaning = {
  code: 'registry_refused',
  expected: 'PostgreSQL to let Verger in',
  hint: 'Check user, password and database in VERGER_DATABASE_URL; the user must own the database, or its schema.',
}
const BUSY: Meaning = {
  code: 'registry_busy',
  expected: 'PostgreSQL to answer in time',
  hint: 'Try again; see pg_stat_activity for what holds it up.',
}
const FULL: Meaning = {
  code: 'disk_full',
  expected: 'PostgreSQL to have space to write',
  hint: 'Free some space on its disk and try again; nothing half-written was kept.',
}
const UNWRITABLE: Meaning = {
  code: 'write_failed',
  expected: 'PostgreSQL to write',
  hint: 'Check that VERGER_DATABASE_URL names the primary server and that its disk is healthy.',
}

/** By SQLSTATE, or by the start of one: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: readonly (readonly [start: string, meaning: Meaning])[] = [
  ['08', UNREACHABLE],
  ['57P', UNREACHABLE],
  ['28', REFUSED],
  ['3D000', REFUSED],
  ['42501', REFUSED],
  ['53100', FULL],
  ['53', BUSY],
  ['40', BUSY],
  ['55P03', BUSY],
  ['57014', BUSY],
  ['25P03', BUSY],
  ['25006', UNWRITABLE],
  ['58', UNWRITABLE],
]

/** Of the operating system, for the way to the server. */
const OF_THE_WAY = /^E(?:CONN|HOST|NET|PIPE|TIMEDOUT|NOTFOUND|AI_|NOENT|ACCES)/
/** What the library `pg` says without a code. */
const WITHOUT_CODE =
  /connection (?:terminated|timeout|ended)|timeout (?:exceeded|expired)|not queryable|server does not support SSL|certificate|SASL/i

/** Maps errors that a user can do something about; any other one, a broken constraint too, is given as it is. */
export function toPostgresError(error: unknown, location: string): unknown {
  if (error instanceof VergerError || !(error instanceof Error)) return error
  const { code = '' } = error as { readonly code?: string }
  const said = textOf(error)
  if (code === 'ERR_INVALID_URL') {
    return new VergerError(
      'config_invalid',
      'Expected VERGER_DATABASE_URL to be like postgres://user:password@host:5432/database, received another form',
      { hint: 'Write special characters of a password as in a URL: @ is %40.' },
    )
  }
  if (code.startsWith('XX00') && code !== 'XX000') return registryDamaged(location, said, error)
  const meaning = meaningOf(code, said)
  if (meaning === undefined) return error
  return new VergerError(
    meaning.code,
    `Expected ${meaning.expected} at ${location}, received ${said}`,
    { hint: meaning.hint, details: { location, state: code }, cause: error },
  )
}

function meaningOf(code: string, said: string): Meaning | undefined {
  if (/^[0-9A-Z]{5}$/.test(code)) {
    const known = BY_STATE.find(([start]) => code.startsWith(start))
    if (known !== undefined) return known[1]
  }
  if (/SASL|password/i.test(said) && code === '') return REFUSED
  return OF_THE_WAY.test(code) || WITHOUT_CODE.test(said) ? UNREACHABLE : undefined
}

/** A name with several addresses gives an error of several, without a text of its own. */
function textOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(String).join(', ')
  return error.message
}

/** Whether the same transaction may well succeed now: two that wait for each other, or that saw different rows. */
export const isTransient = (error: unknown): boolean =>
  error instanceof VergerError && ['40001', '40P01'].includes(String(error.details['state']))
