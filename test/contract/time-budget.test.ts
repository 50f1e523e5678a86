/** What a training does with the time that it is given: it ends in time, says what it chose, and keeps to that. */
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, type Sandbox } from '../cli/verger.ts'
import { keepTinyBackbone } from '../support/keep-tiny-backbone.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'
import { train } from '../support/training.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'few'))
  await writeSmallDataset(join(sandbox.folder, 'many'), { photosPerLabel: 52 })
})
afterAll(() => sandbox.remove())

const LONG_MS = 180_000

/** A home of its own with the tiny backbone in it. */
async function homeWithTiny(name: string): Promise<Readonly<Record<string, string>>> {
  const home = join(sandbox.folder, name)
  mkdirSync(home)
  await keepTinyBackbone(home)
  return { VERGER_HOME: home }
}

describe('a time budget', () => {
  it(
    'that is too small leaves the features frozen, and says so',
    async () => {
      const env = await homeWithTiny('small')
      const line = 'few --mode fine-tune --backbone tiny'
      const { mode } = await train(sandbox, `${line} --time-budget 1s`, env)
      expect(mode).toMatchObject({ asked: 'fine-tune', taken: 'frozen' })
      expect(mode.reason).toMatch(/the time budget is 1s; --time-budget \d+m would do$/)
    },
    LONG_MS,
  )

  it(
    'is kept',
    async () => {
      const env = await homeWithTiny('kept')
      const line = 'many --mode auto --backbone tiny --time-budget 15s'
      const { elapsedMs, mode } = await train(sandbox, line, env)
      expect(elapsedMs).toBeLessThan(1.2 * 15_000)
      expect(mode.asked).toBe('auto')
      expect(mode.reason).toContain('photos')
    },
    LONG_MS,
  )

  it(
    'chooses once: a killed run goes on with that, and gives the same bundle',
    async () => {
      const line = 'few --mode fine-tune --backbone tiny --time-budget 10m'
      const whole = await train(sandbox, line, await homeWithTiny('whole'))
      const killed = await homeWithTiny('killed')
      const child = sandbox.start(`cd "$SANDBOX" && exec verger train ${line}`, killed)
      const closed = once(child, 'close')
      const folder = join(killed['VERGER_HOME'] ?? '', 'cache/fine-tuning')
      const findChoice = () =>
        existsSync(folder)
          ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
              name.endsWith('checkpoint.json'),
            )
          : undefined
      while (findChoice() === undefined && child.exitCode === null) await sleep(5)
      child.kill('SIGKILL')
      await closed
      const checkpoint = readFileSync(join(folder, findChoice() ?? ''), 'utf8')
      const { photosPerSecond } = JSON.parse(checkpoint).progress.choice.budget
      const run = `cd "$SANDBOX" && exec verger train ${line} --json`
      const { stdout, stderr } = await sandbox.run(run, killed)
      expect(stderr).toContain(`at ${Math.round(photosPerSecond)} photos/s measured`)
      expect(JSON.parse(stdout).bundle).toBe(whole.bundle)
    },
    LONG_MS,
  )
})

it('is told that few photos leave features frozen, and without training anything', async () => {
  const env = await homeWithTiny('auto')
  const { mode } = await train(sandbox, 'few --mode auto --backbone tiny', env)
  expect(mode).toEqual({
    ...{ asked: 'auto', taken: 'frozen' },
    reason: '36 photos to learn from, 12 of a label in the median; fine-tuning wants 20 of a label',
  })
  const line = 'cd "$SANDBOX" && verger train many --mode auto --backbone tiny --dry-run'
  const { stdout } = await sandbox.run(line, env)
  expect(stdout).toContain('Fine-tuning: 156 photos to learn from, 52 of a label in the median')
})
