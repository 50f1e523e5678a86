/** A training that is stopped: it ends at once, shows nothing half-made, and the next one goes on from what was done. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, outcomeOf, type Sandbox } from '../cli/verger.ts'
import { canMount } from '../support/can-mount.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'
import { readWholeHome } from '../support/training.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
  await writeSmallDataset(join(sandbox.folder, 'many'), { photosPerLabel: 30, seed: 2 })
})
afterAll(() => sandbox.remove())

const LINE = 'cd "$SANDBOX" && exec verger train many --register fruits'

/** Ends at the first sight of a text on standard output. */
async function untilSaid(child: ChildProcess, text: string): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      said += chunk
      if (said.includes(text)) resolve()
    })
    child.once('close', () => reject(new Error(`Expected to read '${text}', received ${said}`)))
  })
}

/** Features that are cached whole. */
function countFeatures(home: string): number {
  const folder = join(home, 'cache/features')
  if (!existsSync(folder)) return 0
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /\/[0-9a-f]{64}$/.test(name)).length
}

async function untilCached(home: string, count: number): Promise<void> {
  while (countFeatures(home) < count) await sleep(5)
}

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  const homeOf = () => join(sandbox.folder, signal)

  async function stopped(child: ChildProcess, when: Promise<void>) {
    const outcome = outcomeOf(child)
    await when
    child.kill(signal)
    const sentMs = performance.now()
    const { exit, stderr } = await outcome
    expect(performance.now() - sentMs).toBeLessThan(3000)
    // A thread that is torn out of ONNX Runtime would end the process with an abort.
    expect({ exit, stderr }).toEqual({ exit: signal, stderr: '' })
    expect(await readWholeHome(homeOf(), 'fruits')).toEqual(new Map())
  }

  it('while photos are looked at keeps those that were done', async () => {
    const env = { VERGER_HOME: homeOf() }
    const child = sandbox.start(LINE, env)
    await stopped(child, untilCached(homeOf(), 20))
    const done = countFeatures(homeOf())
    expect(done).toBeLessThan(90)

    const next = sandbox.start(LINE, env)
    const said = untilSaid(next, `${done} of them known`)
    await stopped(
      next,
      untilSaid(next, 'Learning from').then(() => sleep(100)),
    )
    await said
    expect(countFeatures(homeOf())).toBe(90)

    const { stdout, exit } = await sandbox.run(LINE, env)
    expect(exit).toBe(0)
    expect(stdout).toContain('90 of them known')
    expect(stdout).toContain('Registered as fruits/v1')
    expect((await readWholeHome(homeOf(), 'fruits')).size).toBe(1)
  })
})

/** Leaves so many kilobytes of a disk of 64 MB. */
const fill = (leave: number) =>
  `head -c ${leave}k /dev/zero > "$VERGER_HOME/reserve"; cat /dev/zero > "$VERGER_HOME/filler" 2> /dev/null; rm "$VERGER_HOME/reserve"`

describe.skipIf(!canMount)('a full disk (skipped where unshare may not mount)', () => {
  it.each([
    ['while photos are looked at', 'many', 200],
    ['while the bundle is kept', 'fruits --seed 2', 200],
    ['before anything is written', 'fruits --seed 2', 0],
  ])('%s, is said and leaves what was there', async (_words, dataset, leaveKb) => {
    writeFileSync(
      join(sandbox.folder, 'full.sh'),
      `cd "$SANDBOX"
mount -t tmpfs -o size=64m none "$VERGER_HOME"
verger train fruits --register fruits > /dev/null || exit 3
find "$VERGER_HOME" -type f -path '*blobs*' | sort > before
${fill(leaveKb)}
verger train ${dataset} --register fruits > said; echo "exit $?"
find "$VERGER_HOME" -name '.*' -o -name '*.tmp' -o -path '*incoming/*'
ls "$VERGER_HOME/bundles" 2> /dev/null
rm "$VERGER_HOME/filler"
verger versions list fruits --json | node -p 'JSON.parse(fs.readFileSync(0)).map(({ name }) => name).join()'
verger train ${dataset} --register fruits | grep Registered
verger versions list fruits --json | node -p 'JSON.parse(fs.readFileSync(0)).map(({ name }) => name).join()'
cp -r "$VERGER_HOME" "$SANDBOX/copied-${leaveKb}-${dataset.length}"
`,
    )
    const { stdout, stderr, exit } = await sandbox.run('unshare -rm sh "$SANDBOX/full.sh"')
    expect(stderr).toMatch(/^error Expected space .+ \[disk_full\]\n {2}hint Free some space .+\n$/)
    expect(stdout).toBe('exit 1\nv1\nRegistered as fruits/v2\nv2,v1\n')
    expect(exit).toBe(0)
    const copy = join(sandbox.folder, `copied-${leaveKb}-${dataset.length}`)
    expect([...(await readWholeHome(copy, 'fruits')).keys()]).toEqual(['v2', 'v1'])
  })
})
