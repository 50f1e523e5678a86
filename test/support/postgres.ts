/** A PostgreSQL that lives as long as a test file: a fresh cluster in a temporary folder, on a socket in it and no port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Postgres {
  /** Of a new, empty database. */
  createDatabase(): Promise<string>
  /** Of a database, for a user whose password is wrong. */
  readonly lockedUrl: string
  /** Runs statements as the superuser. */
  query<Row extends object>(url: string, statement: string): Promise<Row[]>
  /** Ends the server as `pg_ctl stop -m fast` does, or at once as a loss of power would. */
  stop(how: 'fast' | 'at once'): Promise<void>
  start(): Promise<void>
  /** Ends the server and removes the cluster. */
  remove(): Promise<void>
}

const DEBIAN = '/usr/lib/postgresql'
const READY_WITHIN_MS = 30_000
const USER = 'verger'

/** Folder of `initdb` and `postgres`, or undefined where PostgreSQL is not installed. */
export function findPostgres(): string | undefined {
  const debian = listOrNone(DEBIAN)
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(DEBIAN, version, 'bin'))
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...debian]
  return folders.find(
    (folder) => isThere(join(folder, 'initdb')) && isThere(join(folder, 'postgres')),
  )
}

/** Throws where PostgreSQL is not installed; `findPostgres` tells. */
export async function startPostgres(): Promise<Postgres> {
  const programs = findPostgres()
  if (programs === undefined) throw new Error(`Expected initdb in PATH or below ${DEBIAN}`)
  const folder = mkdtempSync(join(tmpdir(), 'verger-postgres-'))
  const data = join(folder, 'data')
  const user = servant()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  await runToEnd(
    spawn(
      join(programs, 'initdb'),
      ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
      { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
    ),
  )
  writeFileSync(join(data, 'pg_hba.conf'), 'local all locked scram-sha-256\nlocal all all trust\n')
  let server: ChildProcess | undefined
  let databases = 0
  const urlOf = (database: string, who = USER) =>
    `postgres:///${database}?host=${folder}&user=${who}`

  async function start(): Promise<void> {
    const settings = [
      'listen_addresses=',
      'fsync=off',
      'max_connections=60',
      'deadlock_timeout=100ms',
    ]
    const started = spawn(
      join(programs ?? '', 'postgres'),
      ['-D', data, '-k', folder, ...settings.flatMap((setting) => ['-c', setting])],
      { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    server = started
    // Read, or the server would wait once the pipe is full.
    let said = ''
    started.stderr?.on('data', (bytes: Buffer) => {
      said = (said + String(bytes)).slice(-4000)
    })
    const deadline = Date.now() + READY_WITHIN_MS
    for (;;) {
      const isReady = await query(urlOf('postgres'), 'select 1').then(
        () => true,
        () => false,
      )
      if (isReady) return
      if (started.exitCode !== null || Date.now() > deadline) throw new Error(said)
      await sleep(20)
    }
  }

  async function stop(how: 'fast' | 'at once'): Promise<void> {
    const running = server
    server = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }

  await start()
  await query(urlOf('postgres'), `create role locked login password 'right'`)
  return {
    async createDatabase() {
      const name = `test_${++databases}`
      await query(urlOf('postgres'), `create database ${name}`)
      return urlOf(name)
    },
    lockedUrl: `${urlOf('postgres', 'locked')}&password=wrong`,
    query,
    start,
    stop,
    async remove() {
      await stop('at once')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function query<Row extends object>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<Row>(statement)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that Debian makes for it, or as nobody. */
function servant(): { readonly uid: number; readonly gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

async function runToEnd(child: ChildProcess): Promise<void> {
  if (child.stderr === null) throw new Error('the process has no pipe')
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (code !== 0) throw new Error(said)
}

const isThere = (path: string): boolean => {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}

function listOrNone(folder: string): string[] {
  return isThere(folder) ? readdirSync(folder) : []
}
