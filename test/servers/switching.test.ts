/** The short form of the parts of `npm run bench:switch` that need PostgreSQL. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { serversLeft } from '../support/server.ts'
import { expectKills, expectSwitches } from '../support/switch-zeros.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(async () => {
  await postgres?.remove()
  expect(serversLeft()).toEqual([])
})

it('a default that moves under two servers costs no answer, and mixes none', {
  timeout: 120_000,
}, async () => {
  const databaseUrl = await postgres.createDatabase()
  await expectSwitches({ switches: 20, servers: 2, databaseUrl, calmMs: 500 })
})

it('a server that is killed while it is written to loses nothing, and leaves nothing half-made', {
  timeout: 240_000,
}, async () => {
  await expectKills({ kills: 5, seed: 7, databaseUrl: await postgres.createDatabase() })
})
