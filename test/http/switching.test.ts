/** The short form of `npm run bench:switch`: what must be zero, without what a busy machine would spoil. */
import { afterAll, describe, expect, it } from 'vitest'
import { benchKills } from '../../bench/kills.ts'
import type { Measurement } from '../../bench/measurement.ts'
import { benchSwitching } from '../../bench/switching.ts'
import { serversLeft } from '../support/server.ts'

afterAll(() => expect(serversLeft()).toEqual([]))

async function valuesOf(measurements: AsyncIterable<Measurement>): Promise<Map<string, number>> {
  const values = new Map<string, number>()
  for await (const { what, value } of measurements) values.set(what.trim(), value)
  return values
}

describe('a default that moves under load', () => {
  it('costs no answer, and mixes none', { timeout: 120_000 }, async () => {
    const values = await valuesOf(benchSwitching({ switches: 50, servers: 1, calmMs: 500 }))
    expect(values.get('answers by version one')).toBeGreaterThan(0)
    expect(values.get('answers by version two')).toBeGreaterThan(0)
    expect(values.get('versions deleted and made anew')).toBe(10)
    for (const what of ['failed answers', 'mixed answers', 'answers by the old default']) {
      expect([what, values.get(what)]).toEqual([what, 0])
    }
  })
})

describe('a server and an upload that are killed', () => {
  it('lose nothing, and leave nothing half-made', { timeout: 240_000 }, async () => {
    const values = await valuesOf(benchKills(8))
    expect(values.get('versions acknowledged')).toBeGreaterThanOrEqual(8)
    expect(values.get('acknowledged and lost')).toBe(0)
    expect(values.get('visible and not whole')).toBe(0)
  })
})
