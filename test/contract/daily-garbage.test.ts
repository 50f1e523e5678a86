/** What a server collects once a day, by a clock of the test: the registry and its files are real. */
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { sha256 } from '../../dist/core/hashes.js'
import { listCorrections } from '../../dist/registry/corrections.js'
import { type DailyGarbage, startDailyGarbage } from '../../dist/server/daily-garbage.js'
import { createHomeRegistry, type HomeRegistry } from '../../dist/server/home-registry.js'
import { createMetrics } from '../../dist/server/metrics.js'
import { bundleFiles, createHome } from './homes.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Servers that started together wait up to a tenth longer than each other. */
const AT_MOST = 1.1

let path: string
let home: HomeRegistry
let garbage: DailyGarbage | undefined
const logged: { readonly level: number; readonly msg: string }[] = []
const logger = pino(
  new Writable({
    write(line, _encoding, done) {
      logged.push(JSON.parse(String(line)))
      done()
    },
  }),
)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  logged.length = 0
  path = createHome()
  home = createHomeRegistry({ home: path }, createMetrics())
})
afterEach(async () => {
  await garbage?.close()
  garbage = undefined
  await home.close()
  vi.useRealTimers()
})

const start = () => {
  garbage = startDailyGarbage(home, { home: path }, logger)
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
/** A collection under way takes its own time. */
const eventually = (expected: () => Promise<void>) =>
  expect.poll(async () => expected().then(() => 'so', String), { timeout: 5000 }).toBe('so')

/** A model that keeps corrected photos for a week, with a version that is deleted again and a photo of ten days ago. */
async function fill() {
  const { registry, store, addCorrection: correct } = await home.open()
  await registry.register({ model: 'fruits', files: bundleFiles(1) })
  const { files } = await registry.register({ model: 'fruits', files: bundleFiles(2) })
  await registry.deleteVersion('fruits', 'v2')
  await registry.updateModel('fruits', { keepCorrections: true, keepCorrectionsDays: 7 })
  const said = { model: 'fruits', version: 'v1', label: 'plum', predicted: 'pear', score: 0.5 }
  for (const photo of ['old', 'new']) await correct({ ...said, photo: Buffer.from(photo) })
  const created_at = new Date(Date.now() - 10 * DAY_MS).toISOString()
  const old = sha256(Buffer.from('old'))
  await store.db
    .updateTable('corrections')
    .set({ created_at })
    .where('photo_sha256', '=', old)
    .execute()
  return { store, old, deleted: Object.values(files) }
}

it('begins ten minutes after the start, and comes again each day', async () => {
  const { store, old, deleted } = await fill()
  start()
  await pass(10 * MINUTE_MS - 1)
  expect(await listCorrections(store, 'fruits')).toHaveLength(2)
  await pass(10 * MINUTE_MS * (AT_MOST - 1) + 1)
  await eventually(async () => expect(await listCorrections(store, 'fruits')).toHaveLength(1))
  // Its photo was put just now, as were the files of the version: they may still be wanted.
  await eventually(async () => expect(logged.map(({ msg }) => msg)).toHaveLength(1))
  for (const hash of [old, ...deleted]) expect(await store.blobs.has(hash)).toBe(true)
  expect(logged[0]).toMatchObject({ expired: { fruits: 1 }, removed: { count: 0 } })

  await pass(DAY_MS * AT_MOST)
  await eventually(async () => expect(logged).toHaveLength(2))
  expect(logged[1]).toMatchObject({ expired: {}, removed: { count: 3 } })
  for (const hash of [old, ...deleted]) expect(await store.blobs.has(hash)).toBe(false)
  const [kept] = await listCorrections(store, 'fruits')
  expect(await store.blobs.has(kept?.photoSha256 ?? '')).toBe(true)
  // What there is nothing to say of is not said.
  await pass(DAY_MS * AT_MOST)
  await eventually(async () => expect(vi.getTimerCount()).toBe(1))
  expect(logged).toHaveLength(2)
})

it('says what went wrong, and tries again the next day', async () => {
  const file = join(path, 'verger.db')
  mkdirSync(path)
  writeFileSync(file, 'no database')
  start()
  await pass(10 * MINUTE_MS * AT_MOST)
  await eventually(async () =>
    expect(logged).toMatchObject([
      { level: 40, msg: 'garbage could not be collected', err: { code: 'registry_damaged' } },
    ]),
  )
  await eventually(async () => expect(vi.getTimerCount()).toBe(1))
  // Somebody puts it right.
  rmSync(file)
  const { store } = await fill()
  await pass(DAY_MS * AT_MOST)
  await eventually(async () => expect(await listCorrections(store, 'fruits')).toHaveLength(1))
})

it('makes no registry where there is none, and removes uploads that a killed process left', async () => {
  const uploads = join(path, 'uploads')
  for (const name of ['upload-old', 'upload-new']) {
    mkdirSync(join(uploads, name), { recursive: true })
    writeFileSync(join(uploads, name, 'body'), 'half')
  }
  const before = Date.now() / 1000 - 25 * 60 * 60
  utimesSync(join(uploads, 'upload-old'), before, before)
  start()
  await pass(10 * MINUTE_MS * AT_MOST)
  await eventually(async () => expect(existsSync(join(uploads, 'upload-old'))).toBe(false))
  await eventually(async () => expect(vi.getTimerCount()).toBe(1))
  expect(existsSync(join(uploads, 'upload-new/body'))).toBe(true)
  expect(existsSync(join(path, 'verger.db'))).toBe(false)
  expect(logged).toEqual([])
})

it('ends with the collection that is under way, and begins no other', async () => {
  const { store } = await fill()
  start()
  vi.advanceTimersByTime(10 * MINUTE_MS * AT_MOST)
  await garbage?.close()
  expect(vi.getTimerCount()).toBe(0)
  expect(await listCorrections(store, 'fruits')).toHaveLength(1)
})
