/** Kill -9 at any moment of a training: scan, features, fit, registration. */
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
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

/** How long a bundle is registered, about. */
const REGISTERING_MS = 60

/** Starts a training and kills it; gives the version that it had already said to be registered. */
async function killTraining(
  home: string,
  seed: number,
  moment: (closed: Promise<unknown>) => Promise<unknown>,
): Promise<string | undefined> {
  const line = `cd "$SANDBOX" && exec verger train fruits --register fruits --seed ${seed}`
  const child = sandbox.start(line, { VERGER_HOME: home })
  if (child.stdout === null) throw new Error('the process has no pipe')
  const said = text(child.stdout)
  const closed = once(child, 'close')
  await moment(closed)
  child.kill('SIGKILL')
  await closed
  return /^Registered as fruits\/(v[0-9]+)/m.exec(await said)?.[1]
}

const countBlobs = (home: string): number => {
  const folder = join(home, 'blobs')
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0
}

/** A moment after the first blob is put, while others follow and then the version: at random it would hardly ever be met. */
function whileRegistering(home: string) {
  const before = countBlobs(home)
  return async (closed: Promise<unknown>) => {
    let isOver = false
    void closed.then(() => {
      isOver = true
    })
    while (!isOver && countBlobs(home) === before) await sleep(1)
    await sleep(Math.random() * REGISTERING_MS)
  }
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
      for (let kill = 0; kill < KILLS; kill++) {
        if (kill % KILLS_PER_HOME === 0) {
          home = join(sandbox.folder, `killed-${kill}`)
          acknowledged = []
        }
        const atRandom = () => sleep(Math.random() * durationMs)
        const moment = kill % 2 === 0 ? atRandom : whileRegistering(home)
        const version = await killTraining(home, 1000 + kill, moment)
        if (version !== undefined) acknowledged.push(version)
        const there = await readWholeHome(home, 'fruits')
        for (const name of acknowledged) expect(there.has(name), name).toBe(true)
        // The last one may have been registered without a word about it.
        expect(there.size).toBeLessThanOrEqual((kill % KILLS_PER_HOME) + 1)
        const isLast = kill % KILLS_PER_HOME === KILLS_PER_HOME - 1 || kill === KILLS - 1
        if (!isLast) continue
        const after = await train(sandbox, 'fruits --register fruits', { VERGER_HOME: home })
        expect(after.bundle).toBe(undisturbed.bundle)
        expect((await readWholeHome(home, 'fruits')).get(after.version ?? '')).toBe(after.bundle)
      }
    },
    60_000 + KILLS * 15_000,
  )
})
