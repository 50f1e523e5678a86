/** Features are the same whatever happened to the cache, its neighbours and the processes before. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findBackbone } from '../../dist/backbones/catalog.js'
import { readConfig } from '../../dist/core/config.js'
import { VergerError } from '../../dist/core/errors.js'
import { sha256 } from '../../dist/core/hashes.js'
import { featureCacheFolder } from '../../dist/features/feature-cache.js'
import {
  type FeaturizePlan,
  featurizePhotos,
  type PhotoToFeaturize,
} from '../../dist/features/featurize-photos.js'
import { countLeakedWorkers } from '../support/live-workers.ts'
import { photoPath, readPhoto } from '../support/photos.ts'
import { createHome } from './homes.ts'

/** More of them by hand: VERGER_KILLS=100. */
const KILLS = Number(process.env['VERGER_KILLS'] ?? 10)
const PHOTO_COUNT = 40

const program = fileURLToPath(new URL('./programs/featurize.mjs', import.meta.url))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verger-photos-'))
  const photo = readPhoto('baseline.jpg')
  for (let index = 0; index < PHOTO_COUNT; index++) {
    writeFileSync(join(folder, `${index}.jpg`), Buffer.concat([photo, Buffer.from(`${index}`)]))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Outcome {
  readonly hash: string
  readonly failed: number
  readonly reused: number
  readonly computed: number
  readonly damaged: number
}

const start = (home: string): ChildProcess =>
  spawn(process.execPath, [program, home, folder], { stdio: ['ignore', 'pipe', 'inherit'] })

async function featurize(home: string): Promise<Outcome> {
  const child = start(home)
  if (child.stdout === null) throw new Error('the process has no pipe')
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(out)
}

/** Paths of all entries of a cache. */
const entriesOf = (home: string): string[] =>
  readdirSync(featureCacheFolder(home), { recursive: true, encoding: 'utf8' })
    .filter((name) => /[0-9a-f]{64}$/.test(name))
    .map((name) => join(featureCacheFolder(home), name))

describe('features of a folder', () => {
  it('are read by a second run, and computed again where entries were lost or damaged', async () => {
    const home = createHome()
    const first = await featurize(home)
    expect(first).toMatchObject({ failed: 0, reused: 0, computed: PHOTO_COUNT, damaged: 0 })
    expect(await featurize(home)).toEqual({ ...first, reused: PHOTO_COUNT, computed: 0 })

    const entries = entriesOf(home)
    expect(entries).toHaveLength(2 * PHOTO_COUNT)
    const photoOf = (entry: string) => entry.slice(-64)
    const [cut = '', flipped = '', gone = '', garbage = ''] = entries
    const bytes = readFileSync(flipped)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    writeFileSync(flipped, bytes)
    writeFileSync(cut, readFileSync(cut).subarray(0, 200))
    writeFileSync(garbage, 'garbage')
    rmSync(gone)
    const touched = new Set([cut, flipped, gone, garbage].map(photoOf)).size
    expect(await featurize(home)).toEqual({
      ...first,
      damaged: 3,
      computed: touched,
      reused: PHOTO_COUNT - touched,
    })
    expect(await featurize(home)).toMatchObject({ damaged: 0, computed: 0 })
  })

  it('are the same for two processes that compute them at once on one home', async () => {
    const home = createHome()
    const outcomes = await Promise.all([featurize(home), featurize(home)])
    const { hash } = await featurize(createHome())
    for (const outcome of outcomes) expect(outcome).toMatchObject({ hash, failed: 0, damaged: 0 })
    expect(await featurize(home)).toMatchObject({ hash, computed: 0, damaged: 0 })
  })

  it(
    `are the same after kill -9 at ${KILLS} random moments`,
    async () => {
      const started = performance.now()
      const whole = await featurize(createHome())
      const durationMs = performance.now() - started
      const home = createHome()
      let most = 0
      for (let kill = 0; kill < KILLS; kill++) {
        const child = start(home)
        child.stdout?.resume()
        const closed = once(child, 'close')
        await sleep(Math.random() * durationMs)
        child.kill('SIGKILL')
        await closed
        // A new home now and then, so that the cold cache is killed too.
        if (kill % 5 === 4) {
          const outcome = await featurize(home)
          expect(outcome).toMatchObject({ hash: whole.hash, failed: 0, damaged: 0 })
          expect(outcome.reused + outcome.computed).toBe(PHOTO_COUNT)
          most = Math.max(most, outcome.reused)
          rmSync(home, { recursive: true, force: true })
        }
      }
      // What a killed process had done was kept.
      expect(most).toBeGreaterThan(0)
    },
    60_000 + KILLS * 4000,
  )
})

describe('featurizePhotos', () => {
  const backbone = findBackbone('efficientnet-lite0')
  const { limits } = readConfig({})
  const views = [{ size: 96, mirrored: false }]
  const run = (photos: FeaturizePlan['photos'], more: { readonly signal?: AbortSignal } = {}) =>
    featurizePhotos(
      { photos, backbone, views },
      { home: createHome(), workers: 1, limits, ...more },
    )

  const named = (name: string): PhotoToFeaturize => ({
    photo: photoPath(name),
    sha256: sha256(readPhoto(name)),
  })

  afterEach(async () => expect(await countLeakedWorkers()).toBe(0))

  it('goes on past photos that cannot be read, and leaves zeros in their place', async () => {
    const names = ['truncated.jpg', 'rgb.png', 'corrupt.png', 'grey.png']
    const { features, failed, width, computed } = await run(names.map(named))
    expect([...failed].map(([row, { code }]) => [row, code])).toEqual([
      [0, 'photo_truncated'],
      [2, 'photo_corrupt'],
    ])
    expect(computed).toBe(4)
    const isZero = (row: number) =>
      features.subarray(row * width, (row + 1) * width).every((value) => value === 0)
    expect([0, 1, 2, 3].map(isZero)).toEqual([true, false, true, false])
  })

  it('computes photos with the same bytes once, from a path or from memory', async () => {
    const { sha256: hash } = named('rgb.png')
    const loaded = { photo: async () => readPhoto('rgb.png'), sha256: hash }
    const { features, width, computed } = await run([loaded, named('grey.png'), named('rgb.png')])
    expect(computed).toBe(2)
    expect(features.slice(0, width)).toEqual(features.slice(2 * width))
  })

  it('refuses to keep features under the hash of other bytes', async () => {
    const photo = { photo: photoPath('rgb.png'), sha256: '0'.repeat(64) }
    const { failed } = await run([photo])
    expect(failed.get(0)?.code).toBe('photo_changed')
  })

  it('gives nothing for no photos', async () => {
    expect(await run([])).toMatchObject({ computed: 0, reused: 0, features: { length: 0 } })
  })

  it('ends with what is not about a photo, and opens no worker afterwards', async () => {
    const missing = new VergerError('blob_missing', 'Expected a blob', { hint: 'none' })
    const late = async () => {
      await sleep(150)
      return readPhoto('rgb.png')
    }
    const photos = [
      { photo: () => Promise.reject(missing), sha256: 'a'.repeat(64) },
      { photo: late, sha256: named('rgb.png').sha256 },
    ]
    await expect(run(photos)).rejects.toMatchObject({ code: 'blob_missing' })
    await sleep(400)
  })

  it('stops where it is told to, and opens no worker afterwards', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const photo = async () => {
      controller.abort(reason)
      await sleep(150)
      return readPhoto('rgb.png')
    }
    const running = run([{ photo, sha256: named('rgb.png').sha256 }], { signal: controller.signal })
    await expect(running).rejects.toBe(reason)
    await sleep(400)
  })
})
