/** What the registry has acknowledged is there, whatever happens to the process and its neighbours. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Registry } from '../../dist/registry/registry.js'
import type { StoreConfig } from '../../dist/store/store.js'
import { bundleFiles, openHomeRegistry } from './homes.ts'

/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Number(process.env['VERGER_KILLS'] ?? 15)
/** A process that starts takes about half of this until its first version. */
const LONGEST_LIFE_MS = 900

const program = (name: string) => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))

interface Outcome {
  readonly name?: string
  readonly bundle?: string
  readonly refused?: string
}

const start = ({ home, databaseUrl }: StoreConfig, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [program('register.mjs'), home, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...(databaseUrl === undefined ? {} : { VERGER_DATABASE_URL: databaseUrl }),
    },
  })

async function outcomesOf(child: ChildProcess): Promise<Outcome[]> {
  if (child.stdout === null) throw new Error('the process has no pipe')
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  // A process that is killed may be in the middle of its last line.
  const whole = out.slice(0, out.lastIndexOf('\n') + 1)
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Outcome]))
}

/** Reads every file of every version, and gives name → bundle. */
async function readAll(registry: Registry, model: string): Promise<Map<string, string>> {
  const models = (await registry.listModels()).map(({ name }) => name)
  const versions = models.includes(model) ? await registry.listVersions(model) : []
  for (const version of versions) {
    expect(Object.keys(version.files)).toEqual([...bundleFiles(0).keys()])
    for (const file of Object.keys(version.files)) await registry.readVersionFile(version, file)
  }
  if (versions.length > 0) expect(versions).toContainEqual(await registry.resolveVersion(model))
  return new Map(versions.map(({ name, bundle }) => [name, bundle]))
}

/** `createPlace` gives settings under which there is no registry yet. */
export function describeRegistryFailures(
  name: string,
  createPlace: () => StoreConfig | Promise<StoreConfig>,
): void {
  describe(`processes on one registry: ${name}`, () => {
    it('that register at once each get names of their own', async () => {
      const place = await createPlace()
      const outcomes = await Promise.all(
        [0, 1000].map((seed) => outcomesOf(start(place, 'fruits', String(seed), '20'))),
      )
      const done = outcomes.flat()
      const names = new Set(done.map(({ name }) => name))
      expect(names).toEqual(new Set(Array.from({ length: 40 }, (_, index) => `v${index + 1}`)))
      const { registry } = await openHomeRegistry(place)
      const there = await readAll(registry, 'fruits')
      for (const { name = '', bundle } of done) expect(there.get(name)).toBe(bundle)
    })

    it('that want the same names for other bundles get each name once', async () => {
      const place = await createPlace()
      const [one = [], other = []] = await Promise.all(
        [0, 1000].map((seed) => outcomesOf(start(place, 'fruits', String(seed), '10', 'x'))),
      )
      const { registry } = await openHomeRegistry(place)
      const there = await readAll(registry, 'fruits')
      expect(there.size).toBe(10)
      for (let index = 0; index < 10; index++) {
        const [mine, yours] = [one[index], other[index]]
        const refusals = [mine?.refused, yours?.refused].filter((code) => code !== undefined)
        expect(refusals).toEqual(['version_exists'])
        expect(there.get(`x${index}`)).toBe(mine?.bundle ?? yours?.bundle)
      }
    })
  })

  describe(`kill -9: ${name}`, () => {
    it(
      `at ${KILLS} random moments loses nothing acknowledged and shows nothing half-made`,
      async () => {
        const place = await createPlace()
        const acknowledged = new Map<string, string>()
        for (let kill = 0; kill < KILLS; kill++) {
          const child = start(place, 'fruits', String(kill * 100_000))
          const outcomes = outcomesOf(child)
          await sleep(Math.random() * LONGEST_LIFE_MS)
          child.kill('SIGKILL')
          for (const { name, bundle, refused } of await outcomes) {
            expect(refused).toBeUndefined()
            acknowledged.set(name ?? '', bundle ?? '')
          }
          const { registry, store } = await openHomeRegistry(place)
          const there = await readAll(registry, 'fruits')
          await store.close()
          for (const [name, bundle] of acknowledged) expect(there.get(name)).toBe(bundle)
          // The one in work may have been committed without its acknowledgement.
          expect(there.size).toBeLessThanOrEqual(acknowledged.size + kill + 1)
        }
        expect(acknowledged.size).toBeGreaterThan(KILLS)
      },
      60_000 + KILLS * 4000,
    )
  })
}
