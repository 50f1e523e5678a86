/** A scan that is killed leaves the version that it was, or none; the next command never notices. */
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox, PHOTOS, type Sandbox } from '../cli/verger.ts'

const ROUNDS = 8
const PHOTO_COUNT = 600

let sandbox: Sandbox
beforeAll(() => {
  sandbox = createSandbox()
  const photo = readFileSync(join(PHOTOS, 'baseline.jpg'))
  mkdirSync(join(sandbox.folder, 'fruits/apple'), { recursive: true })
  for (let index = 0; index < PHOTO_COUNT; index++) {
    const bytes = Buffer.concat([photo, Buffer.from(`${index}`)])
    writeFileSync(join(sandbox.folder, 'fruits/apple', `${index}.jpg`), bytes)
  }
  mkdirSync(join(sandbox.folder, 'fruits/pear'))
  for (const name of ['rgb.png', 'cmyk.jpg']) {
    copyFileSync(join(PHOTOS, name), join(sandbox.folder, 'fruits/pear', name))
  }
})
afterAll(() => sandbox.remove())

/** The versions that another process sees. */
async function listVersions(env: Readonly<Record<string, string>>) {
  const { stdout, stderr, exit } = await sandbox.run('verger datasets list --json', env)
  expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 })
  return JSON.parse(stdout).versions as { readonly id: string; readonly photoCount: number }[]
}

describe('kill -9 during a scan', () => {
  it('leaves nothing half-made at any moment', async () => {
    const line = 'cd "$SANDBOX" && exec verger datasets scan fruits --json'
    const wholeMs = performance.now()
    const { stdout } = await sandbox.run(line)
    const durationMs = performance.now() - wholeMs
    const { id, photoCount } = JSON.parse(stdout)
    expect(photoCount).toBe(PHOTO_COUNT + 2)

    const env = { VERGER_HOME: join(sandbox.folder, 'killed') }
    for (let round = 0; round < ROUNDS; round++) {
      const child = sandbox.start(line, env)
      const closed = once(child, 'close')
      await sleep((durationMs * (round + 0.5)) / ROUNDS)
      child.kill('SIGKILL')
      await closed
      const versions = await listVersions(env)
      expect(versions.map((version) => [version.id, version.photoCount])).toEqual(
        versions.length === 0 ? [] : [[id, photoCount]],
      )
    }
    expect((await sandbox.run(line, env)).exit).toBe(0)
    expect(await listVersions(env)).toMatchObject([{ id, photoCount }])
    const shown = await sandbox.run(`verger datasets show ${id} --json`, env)
    expect(JSON.parse(shown.stdout).photos).toHaveLength(photoCount)
  })
})
