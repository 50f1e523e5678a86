/** What `npm run bench:switch` prints as zero on every machine. */
import { expect } from 'vitest'
import { benchKills, type KillPlan } from '../../bench/kills.ts'
import type { Measurement } from '../../bench/measurement.ts'
import { benchSwitching, type SwitchingPlan } from '../../bench/switching.ts'

/** The figures of a bench by their names. */
async function valuesOf(measurements: AsyncIterable<Measurement>): Promise<Map<string, number>> {
  const values = new Map<string, number>()
  for await (const { what, value } of measurements) values.set(what.trim(), value)
  return values
}

/** Moves a default under load, and gives the figures. */
export async function expectSwitches(plan: SwitchingPlan): Promise<Map<string, number>> {
  const values = await valuesOf(benchSwitching(plan))
  for (const what of ['answers by version one', 'answers by version two']) {
    expect(values.get(what)).toBeGreaterThan(0)
  }
  for (const what of ['failed answers', 'mixed answers', 'answers by the old default']) {
    expect([what, values.get(what)]).toEqual([what, 0])
  }
  return values
}

export async function expectKills(plan: KillPlan): Promise<void> {
  const values = await valuesOf(benchKills(plan))
  for (const what of ['versions acknowledged', 'switches acknowledged']) {
    expect(values.get(what)).toBeGreaterThan(0)
  }
  // All figures, so that the faults that are said among them are seen.
  expect(Object.fromEntries(values)).toMatchObject(KILL_ZEROS)
}

const KILL_ZEROS = {
  'acknowledged and lost': 0,
  'visible and not whole': 0,
  'refused by a server that was there': 0,
  'of them after verger gc a day later': 0,
  'files that nothing refers to, after it': 0,
}
