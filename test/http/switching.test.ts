/** The short form of `npm run bench:switch`: what must be zero, without what a busy machine would spoil. */
import { afterAll, expect, test } from 'vitest'
import { serversLeft } from '../support/server.ts'
import { expectKills, expectSwitches } from '../support/switch-zeros.ts'

afterAll(() => expect(serversLeft()).toEqual([]))

test('a default that moves under load costs no answer, and mixes none', {
  timeout: 120_000,
}, async () => {
  const values = await expectSwitches({ switches: 50, servers: 1, calmMs: 500 })
  expect(values.get('versions deleted and made anew')).toBe(10)
})

test(
  'a server that is killed while it is written to loses nothing, and leaves nothing half-made',
  {
    timeout: 240_000,
  },
  () => expectKills({ kills: 10, seed: 6 }),
)
