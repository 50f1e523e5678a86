/** The registry in PostgreSQL: what SQLite promises too, and what several servers on one database need. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistryTables } from '../../dist/store/migrations/0001-registry.js'
import type { StoreConfig } from '../../dist/store/store.js'
import { openStore } from '../../dist/store/store.js'
import { describeBackup, describeBackupUnderLoad } from '../contract/backup-suite.ts'
import { describeGarbage } from '../contract/garbage-suite.ts'
import { bundleFiles, createHome, openHome, openHomeRegistry } from '../contract/homes.ts'
import { describeOperations } from '../contract/operations-suite.ts'
import { describeRegistryFailures } from '../contract/registry-failures-suite.ts'
import { describeRegistryFeatures } from '../contract/registry-features-suite.ts'
import { describeRegistry } from '../contract/registry-suite.ts'
import { describeTokens } from '../contract/tokens-suite.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

/** Of a switch, until another server knows. */
const SEEN_WITHIN_MS = 1000

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres?.remove())

async function createPlace(): Promise<StoreConfig & { readonly databaseUrl: string }> {
  return { home: createHome(), databaseUrl: await postgres.createDatabase() }
}

describeRegistry('PostgreSQL', createPlace)
describeRegistryFeatures('PostgreSQL', createPlace)
describeRegistryFailures('PostgreSQL', createPlace)
describeGarbage('PostgreSQL', createPlace)
describeOperations('PostgreSQL', async () => openHome(await createPlace()))
describeTokens('PostgreSQL', async () => openHome(await createPlace()))
describeBackup('PostgreSQL', createPlace, createPlace)
describeBackupUnderLoad('PostgreSQL', createPlace)
describeBackup('SQLite to PostgreSQL', () => ({ home: createHome() }), createPlace)
describeBackup('PostgreSQL to SQLite', createPlace, () => ({ home: createHome() }))

describe('opening a registry in PostgreSQL', () => {
  it('is refused with what is wrong, and without the password', async () => {
    const home = createHome()
    const refused: readonly [string, string, RegExp][] = [
      [
        'postgres://v:secret@127.0.0.1:1/x',
        'registry_unreachable',
        /v@127\.0\.0\.1:1\/x.*ECONNREFUSED/,
      ],
      ['postgres://v:secret@nowhere.invalid/x', 'registry_unreachable', /nowhere\.invalid/],
      [postgres.lockedUrl, 'registry_refused', /password/],
      [postgres.lockedUrl.replace('/postgres?', '/missing?'), 'registry_refused', /password/],
      ['postgres://v:secret@127.0.0.1:99999999/x', 'config_invalid', /postgres:\/\/user/],
    ]
    for (const [databaseUrl, code, says] of refused) {
      const failure = await openStore({ home, databaseUrl }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code, message: expect.stringMatching(says) })
      expect(JSON.stringify(failure)).not.toContain('secret')
      expect(String(failure)).not.toMatch(/secret|wrong/)
    }
  })

  it('is refused where the database is not there', async () => {
    const { databaseUrl } = await createPlace()
    await expect(
      openStore({ home: createHome(), databaseUrl: databaseUrl.replace(/test_\d+/, 'gone') }),
    ).rejects.toMatchObject({ code: 'registry_refused', message: expect.stringContaining('gone') })
  })

  it('is refused where a newer Verger has changed it', async () => {
    const place = await createPlace()
    const store = await openHome(place)
    await sql`insert into kysely_migration values ('9999-future', '2030')`.execute(store.db)
    await expect(openHome(place)).rejects.toMatchObject({
      code: 'registry_newer',
      message: expect.stringContaining('9999-future'),
    })
  })

  it('lets servers that start together create the tables together', async () => {
    const place = await createPlace()
    const stores = await Promise.all(Array.from({ length: 6 }, () => openHome(place)))
    for (const { db } of stores) {
      expect(await db.selectFrom('revision').selectAll().execute()).toHaveLength(1)
    }
  })

  it('keeps the history append-only', async () => {
    const { registry, store } = await openHomeRegistry(await createPlace())
    await registry.register({ model: 'fruits', files: bundleFiles(1) })
    const { db } = store
    await expect(db.updateTable('default_changes').set({ why: 'x' }).execute()).rejects.toThrow(
      'append-only',
    )
    await expect(db.deleteFrom('default_changes').execute()).rejects.toThrow('append-only')
  })
})

describe('servers on one PostgreSQL', () => {
  /** Two servers, the other of which follows the changes; `seen` gives the moments at which it heard of one. */
  async function openTwo(place: StoreConfig) {
    const one = await openHomeRegistry(place)
    const other = await openHomeRegistry(place)
    await one.registry.register({ model: 'fruits', files: bundleFiles(1) })
    await one.registry.register({ model: 'fruits', files: bundleFiles(2) })
    const seen: number[] = []
    other.store.changes.watch(() => seen.push(performance.now()))
    await expect.poll(() => seen.length, { timeout: 5000 }).toBeGreaterThan(0)
    return { one, other, seen }
  }

  it('hear of a switch at once', async () => {
    const { one, other, seen } = await openTwo(await createPlace())
    const times: number[] = []
    for (let index = 0; index < 10; index++) {
      const before = other.store.changes.revision()
      const heard = seen.length
      const startMs = performance.now()
      await one.registry.setDefault('fruits', index % 2 === 0 ? 'v2' : 'v1')
      await expect.poll(() => seen.length, { interval: 2 }).toBeGreaterThan(heard)
      times.push((seen[heard] ?? 0) - startMs)
      expect(other.store.changes.revision()).not.toBe(before)
      expect((await other.registry.resolveVersion('fruits')).name).toBe(
        index % 2 === 0 ? 'v2' : 'v1',
      )
    }
    // By the poll alone half of them would take 250 ms or more.
    expect(times.toSorted((a, b) => a - b)[5]).toBeLessThan(200)
  })

  it('hear of a switch within a second when nothing tells them', async () => {
    const place = await createPlace()
    const { one, other, seen } = await openTwo(place)
    await postgres.query(
      place.databaseUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen verger_changes'`,
    )
    const heard = seen.length
    const startMs = performance.now()
    await one.registry.setDefault('fruits', 'v2')
    await expect.poll(() => seen.length, { interval: 5, timeout: 5000 }).toBeGreaterThan(heard)
    expect((seen[heard] ?? 0) - startMs).toBeLessThan(SEEN_WITHIN_MS)
    expect((await other.registry.resolveVersion('fruits')).name).toBe('v2')
    // And it listens again.
    await expect
      .poll(
        () =>
          postgres.query(
            place.databaseUrl,
            `select 1 from pg_stat_activity where query = 'listen verger_changes'`,
          ),
        { timeout: 5000 },
      )
      .toHaveLength(1)
  })

  it('know of their own change when it returns', async () => {
    const { one } = await openTwo(await createPlace())
    const before = one.store.changes.revision()
    await one.registry.setDefault('fruits', 'v2')
    expect(one.store.changes.revision()).not.toBe(before)
  })

  it('go on when the database comes back', async () => {
    const place = await createPlace()
    const { one, other, seen } = await openTwo(place)
    await postgres.stop('fast')
    await expect(one.registry.setDefault('fruits', 'v2')).rejects.toMatchObject({
      code: 'registry_unreachable',
    })
    // What a server asks at each request needs no database.
    expect(other.store.changes.revision()).toBe(other.store.changes.revision())
    await postgres.start()
    await expect
      .poll(() => one.registry.setDefault('fruits', 'v2').catch(() => 'not yet'), { timeout: 5000 })
      .toMatchObject({ to: 'v2' })
    const heard = seen.length
    await one.registry.setDefault('fruits', 'v1')
    await expect.poll(() => seen.length, { timeout: SEEN_WITHIN_MS }).toBeGreaterThan(heard)
  })

  it('lose nothing that was acknowledged when the database dies and comes back', async () => {
    const place = await createPlace()
    const { registry } = await openHomeRegistry(place)
    const acknowledged: string[] = []
    let isDown = false
    const writing = (async () => {
      for (let seed = 0; !isDown || acknowledged.length < 3; seed++) {
        await registry
          .register({ model: 'fruits', version: `x${seed}`, files: bundleFiles(seed) })
          .then(({ name }) => acknowledged.push(name))
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'registry_unreachable' })
          })
      }
    })()
    await sleep(300)
    await postgres.stop('at once')
    isDown = true
    await writing
    await postgres.start()
    const names = (await registry.listVersions('fruits')).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(acknowledged))
    expect(acknowledged.length).toBeGreaterThan(2)
  })

  it('switch the same model at once, one after the other', async () => {
    const place = await createPlace()
    const servers = await Promise.all([1, 2, 3, 4].map(() => openHomeRegistry(place)))
    const [first] = servers
    for (const seed of [1, 2, 3])
      await first?.registry.register({ model: 'fruits', files: bundleFiles(seed) })
    await Promise.all(
      servers.flatMap(({ registry }, server) =>
        Array.from({ length: 10 }, (_, index) =>
          index % 3 === 2
            ? registry.rollback('fruits', { who: `server ${server}` }).catch((error: unknown) => {
                expect(error).toMatchObject({ code: 'rollback_impossible' })
              })
            : registry.setDefault('fruits', `v${((index + server) % 3) + 1}`),
        ),
      ),
    )
    const history = (await first?.registry.readHistory('fruits'))?.reverse() ?? []
    // Each change starts where the one before ended.
    for (const [index, change] of history.entries()) {
      expect(change.from).toBe(history[index - 1]?.to)
    }
    expect((await first?.registry.getModel('fruits'))?.defaultVersion).toBe(history.at(-1)?.to)
  })

  it('delete a version or make it the default, never both', async () => {
    const place = await createPlace()
    const [one, other] = await Promise.all([openHomeRegistry(place), openHomeRegistry(place)])
    for (let round = 0; round < 10; round++) {
      const model = `m${round}`
      await one.registry.register({ model, version: 'v1', files: bundleFiles(1) })
      await one.registry.register({ model, version: 'v2', files: bundleFiles(2) })
      const outcomes = await Promise.allSettled([
        one.registry.deleteVersion(model, 'v2'),
        other.registry.setDefault(model, 'v2'),
      ])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const { defaultVersion } = await one.registry.getModel(model)
      await expect(one.registry.resolveVersion(model, defaultVersion)).resolves.toBeDefined()
    }
  })

  it('run a transaction again that another one got in the way of', async () => {
    const place = await createPlace()
    const { one, other } = await openTwo(place)
    await one.registry.createModel('vegetables')
    /** Locks the models in an order in which two servers wait for each other. */
    const lockBoth = (store: typeof one.store, models: readonly string[]) => {
      let attempts = 0
      return store
        .write(async (trx) => {
          attempts++
          for (const model of models) {
            await trx
              .selectFrom('models')
              .select('name')
              .where('name', '=', model)
              .forUpdate()
              .execute()
            await sleep(50)
          }
        })
        .then(() => attempts)
    }
    const attempts = await Promise.all([
      lockBoth(one.store, ['fruits', 'vegetables']),
      lockBoth(other.store, ['vegetables', 'fruits']),
    ])
    expect(Math.max(...attempts)).toBeGreaterThan(1)
  })

  it('wait for a lock no longer than 10 s', async () => {
    const place = await createPlace()
    const { one } = await openTwo(place)
    const client = new pg.Client({ connectionString: place.databaseUrl })
    await client.connect()
    try {
      await client.query(`begin; select * from models for update`)
      await expect(one.registry.setDefault('fruits', 'v2')).rejects.toMatchObject({
        code: 'registry_busy',
      })
    } finally {
      await client.end()
    }
    await expect(one.registry.setDefault('fruits', 'v2')).resolves.toMatchObject({ to: 'v2' })
  }, 30_000)
})

describe('a PostgreSQL registry of an earlier form', () => {
  it('is brought forward once by servers that start together, with all that it knew', async () => {
    const place = await createPlace()
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: place.databaseUrl }) }),
    })
    await createRegistryTables('postgres').up(db)
    await db.destroy()
    await postgres.query(
      place.databaseUrl,
      `create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null);
       insert into kysely_migration values ('0001-registry', '2026-01-01');
       insert into models values ('fruits', 'at the market', null, 1, '2026-01-01T00:00:00.000Z', '');
       insert into versions values
         ('fruits', 'v1', 'aa', '{"bundle.json":"aa"}', '', '2026-01-02T00:00:00.000Z', ''),
         ('fruits', 'v2', 'bb', '{"bundle.json":"bb"}', '', '2026-01-03T00:00:00.000Z', '');
       update models set default_version = 'v2';
       insert into default_changes (model, at, kind, who, why, from_version, to_version, seal)
         values ('fruits', '2026-01-03T00:00:00.000Z', 'set', 'anna', '', 'v1', 'v2', '')`,
    )
    const [first] = await Promise.all([1, 2, 3].map(() => openHomeRegistry(place)))
    expect(await first?.registry.getModel('fruits')).toMatchObject({
      defaultVersion: 'v2',
      labels: {},
      updatedAt: '2026-01-01T00:00:00.000Z',
      etag: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    const versions = (await first?.registry.listVersions('fruits')) ?? []
    expect(versions.map(({ name }) => name)).toEqual(['v2', 'v1'])
    expect(await first?.registry.readHistory('fruits')).toMatchObject([{ who: 'anna', to: 'v2' }])
  })
})
