/** Kill -9 at any moment of a training: scan, features, fit, registration. */
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'
import { readWholeHome, train } from '../support/training.ts'

/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Number(process.env['VERGER_KILLS'] ?? 12)
/** A home is used for so many: the first kills hit empty caches, the later ones full ones. */
const KILLS_PER_HOME = 4

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
})
afterAll(() => sandbox.remove())

/** Starts a training and kills it; gives `v1` where it had already said that this is registered. */
async function killTraining(
  seed: number,
  afterMs: number,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const line = `cd "$SANDBOX" && exec verger train fruits --register fruits --seed ${seed}`
  const child = sandbox.start(line, env)
  if (child.stdout === null) throw new Error('the process has no pipe')
  const said = text(child.stdout)
  const closed = once(child, 'close')
  await sleep(afterMs)
  child.kill('SIGKILL')
  await closed
  return /^Registered as fruits\/(v[0-9]+)/m.exec(await said)?.[1]
}

describe('kill -9', () => {
  it(
    `at ${KILLS} random moments of a training loses nothing and shows nothing half-made`,
    async () => {
      const startMs = performance.now()
      const undisturbed = await train(sandbox, 'fruits --register fruits')
      const durationMs = performance.now() - startMs
      let home = ''
      let acknowledged: string[] = []
      let registered = 0
      for (let kill = 0; kill < KILLS; kill++) {
        if (kill % KILLS_PER_HOME === 0) {
          home = join(sandbox.folder, `killed-${kill}`)
          acknowledged = []
        }
        const afterMs = Math.random() * durationMs
        const version = await killTraining(1000 + kill, afterMs, { VERGER_HOME: home })
        if (version !== undefined) acknowledged.push(version)
        const there = await readWholeHome(home, 'fruits')
        for (const name of acknowledged) expect(there.has(name), name).toBe(true)
        const isLast = kill % KILLS_PER_HOME === KILLS_PER_HOME - 1 || kill === KILLS - 1
        if (!isLast) continue
        registered += there.size
        const after = await train(sandbox, 'fruits --register fruits', { VERGER_HOME: home })
        expect(after.bundle).toBe(undisturbed.bundle)
        expect((await readWholeHome(home, 'fruits')).get(after.version ?? '')).toBe(after.bundle)
      }
      // Moments are spread over the whole of a training: few of them let it come to its end.
      expect(registered).toBeLessThan(KILLS)
    },
    60_000 + KILLS * 15_000,
  )
})
