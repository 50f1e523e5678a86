/** Fine-tunings that are stopped, killed, short of disk or left with a damaged checkpoint: the next run ends alike. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, outcomeOf, type Sandbox } from '../cli/verger.ts'
import { canMount } from '../support/can-mount.ts'
import { keepTinyBackbone } from '../support/keep-tiny-backbone.ts'
import { writeSmallDataset } from '../support/small-dataset.ts'
import { train } from '../support/training.ts'

/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Number(process.env['VERGER_KILLS'] ?? 2)
const LONG_MS = 180_000
const TUNE = 'fruits --mode fine-tune --backbone tiny'
const LINE = `cd "$SANDBOX" && exec verger train ${TUNE}`

let sandbox: Sandbox
/** What nobody disturbed. */
let bundle: string
beforeAll(async () => {
  sandbox = createSandbox()
  await writeSmallDataset(join(sandbox.folder, 'fruits'))
  bundle = (await train(sandbox, TUNE, await homeWithTiny('undisturbed'))).bundle
}, LONG_MS)
afterAll(() => sandbox.remove())

async function homeWithTiny(name: string) {
  const home = join(sandbox.folder, name)
  mkdirSync(home)
  await keepTinyBackbone(home)
  return { VERGER_HOME: home }
}

/** Names in the folders of checkpoints, locks too. */
const namesBelow = ({ VERGER_HOME }: { readonly VERGER_HOME: string }): string[] => {
  const folder = join(VERGER_HOME, 'cache/fine-tuning')
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
}

const countTensors = (env: { readonly VERGER_HOME: string }): number =>
  namesBelow(env).filter((name) => name.endsWith('.safetensors')).length

/** Starts a fine-tuning and sends it a signal at a moment. */
async function stopped(
  env: { readonly VERGER_HOME: string },
  signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL',
  moment: (child: ChildProcess) => Promise<unknown>,
) {
  const child = sandbox.start(LINE, env)
  const outcome = outcomeOf(child)
  await Promise.race([moment(child), once(child, 'close')])
  child.kill(signal)
  return outcome
}

/** Once there is a checkpoint. */
const untilKept = (env: { readonly VERGER_HOME: string }) => async () => {
  while (!namesBelow(env).some((name) => name.endsWith('/checkpoint.json'))) await sleep(5)
}

const untilSaid = (expected: RegExp) => (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    let said = ''
    child.stdout?.on('data', (chunk) => {
      said += chunk
      if (expected.test(said)) resolve()
    })
  })

describe('a fine-tuning', () => {
  it(
    'that is stopped says how to go on, and goes on',
    async () => {
      const env = await homeWithTiny('stopped')
      for (const [signal, moment] of [
        // The first checkpoint is whole before another epoch begins.
        ['SIGINT', /\n {2}epoch (.|\n)*\n {2}epoch /],
        ['SIGTERM', /, going on after step [1-9]/],
      ] as const) {
        const { stderr, exit } = await stopped(env, signal, untilSaid(moment))
        expect(exit).toBe(signal)
        expect(stderr).toMatch(
          /Stopped\. The same command goes on after step [1-9][0-9]* of [0-9]+\.\n$/,
        )
      }
      const prune = 'verger cache prune --older-than 0 --dry-run --json'
      const pruned = await sandbox.run(prune, env)
      expect(JSON.parse(pruned.stdout).tunings).toMatchObject({ count: 1 })
      const { stdout } = await sandbox.run(LINE, env)
      expect(stdout).toMatch(/, going on after step [1-9][0-9]* of [0-9]+\n/)
      expect(stdout).toContain(`Bundle ${bundle.slice(0, 12)}`)
      expect(namesBelow(env)).toEqual([])
    },
    LONG_MS,
  )

  it(
    'whose checkpoint is damaged says so, and begins anew',
    async () => {
      const env = await homeWithTiny('damaged')
      await stopped(env, 'SIGKILL', untilKept(env))
      const name = namesBelow(env).find((each) => each.endsWith('.safetensors')) ?? ''
      const file = join(env.VERGER_HOME, 'cache/fine-tuning', name)
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.subarray(0, bytes.length >> 1))
      const { stdout } = await sandbox.run(LINE, env)
      expect(stdout).toContain(
        'The checkpoint of an earlier run is damaged: the fine-tuning begins anew\n',
      )
      expect(stdout).toContain(`Bundle ${bundle.slice(0, 12)}`)
    },
    LONG_MS,
  )

  it(
    `that is killed ${KILLS} times while it writes checkpoints gives the same bundle`,
    async () => {
      const env = await homeWithTiny('killed')
      for (let kill = 0; kill < KILLS; kill++) {
        const known = countTensors(env)
        const isWriting = () =>
          kill % 2 === 0
            ? namesBelow(env).some((name) => name.endsWith('.tmp'))
            : countTensors(env) > Math.max(1, known)
        await stopped(env, 'SIGKILL', async () => {
          const endMs = performance.now() + 20_000
          while (!isWriting() && performance.now() < endMs) await sleep(1)
          await sleep(Math.random() * 3)
        })
      }
      expect((await train(sandbox, TUNE, env)).bundle).toBe(bundle)
      expect(namesBelow(env)).toEqual([])
    },
    LONG_MS + KILLS * 20_000,
  )
})

describe.skipIf(!canMount)('a full disk (skipped where unshare may not mount)', () => {
  it(
    'at a checkpoint is said, leaves the one before, and ends nothing',
    async () => {
      const env = await homeWithTiny('full')
      // One page is free: enough for the network that is judged, not for the tensors.
      const script = `cd "$SANDBOX"
cp -r "$VERGER_HOME" filled
mount -t tmpfs -o size=64m none "$VERGER_HOME" && cp -r filled/. "$VERGER_HOME" || exit 3
cd "$VERGER_HOME/cache/fine-tuning/"* && cp *.* "$SANDBOX/filled" && cd "$SANDBOX"
head -c 4k /dev/zero > "$VERGER_HOME/reserve"
cat /dev/zero > "$VERGER_HOME/filler" 2> /dev/null; rm "$VERGER_HOME/reserve"
verger train ${TUNE} > /dev/null; echo "exit $?"
cd filled && for name in checkpoint.json *.safetensors; do cmp "$name" "$VERGER_HOME/cache/fine-tuning/"*"/$name"; done; cd ..
find "$VERGER_HOME" -name '*.tmp'
rm "$VERGER_HOME/filler"
verger train ${TUNE} | grep -oE 'going on after step [0-9]+|^Bundle [0-9a-f]+'
`
      await stopped(env, 'SIGKILL', untilKept(env))
      writeFileSync(join(sandbox.folder, 'full.sh'), script)
      const { stdout, stderr } = await sandbox.run('unshare -rm sh "$SANDBOX/full.sh"', env)
      expect(stderr).toMatch(
        /^error Expected space to write .+\.safetensors, the disk is full \[disk_full\]\n {2}hint Free some space and run the command again.+\n$/,
      )
      expect(stdout).toMatch(
        new RegExp(`^exit 1\ngoing on after step [1-9][0-9]*\nBundle ${bundle.slice(0, 12)}\n$`),
      )
    },
    LONG_MS,
  )
})
