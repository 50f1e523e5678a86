/** The short form of the second part of `npm run bench:switch`. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { benchSwitching } from '../../bench/switching.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { serversLeft } from '../support/server.ts'

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
  const values = new Map<string, number>()
  const plan = { switches: 20, servers: 2, databaseUrl, calmMs: 500 } as const
  for await (const { what, value } of benchSwitching(plan)) values.set(what, value)
  expect(values.get('answers by version one')).toBeGreaterThan(0)
  expect(values.get('answers by version two')).toBeGreaterThan(0)
  for (const what of ['failed answers', 'mixed answers', 'answers by the old default']) {
    expect([what, values.get(what)]).toEqual([what, 0])
  }
})
