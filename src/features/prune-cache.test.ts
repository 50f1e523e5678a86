import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { featureCacheFolder, openFeatureCache, viewKey } from './feature-cache.ts'
import { measureFeatureCache, pruneFeatureCache } from './prune-cache.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const backbone = findBackbone(DEFAULT_BACKBONE)
const view = { size: 224, mirrored: false }
const mirrored = { size: 320, mirrored: true }
const hash = (digit: string) => digit.repeat(64)
/** Entry of 4 values: its SHA-256 and 16 bytes. */
const ENTRY_BYTES = 48

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verger-prune-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const cache = () => openFeatureCache(home, backbone)
const put = (digit: string, at = view) => cache().put(hash(digit), at, Float32Array.of(1, 2, 3, 4))
const folderOf = (digit: string) =>
  join(featureCacheFolder(home), viewKey(backbone, view), digit.repeat(2))
const pathOf = (digit: string) => join(folderOf(digit), hash(digit))
function age(path: string, days: number): void {
  const then = (Date.now() - days * DAY_MS) / 1000
  utimesSync(path, then, then)
}
const prune = (days: number, dryRun = false) =>
  pruneFeatureCache(home, { usedBeforeMs: Date.now() - days * DAY_MS, dryRun })

describe('measureFeatureCache', () => {
  it('gives nothing where nothing was cached', async () => {
    expect(await measureFeatureCache(home)).toEqual([])
  })

  it('counts by view and names those it knows', async () => {
    for (const digit of ['a', 'b', 'c']) await put(digit)
    await put('a', mirrored)
    const unknown = join(featureCacheFolder(home), '0123456789abcdef', 'aa')
    mkdirSync(unknown, { recursive: true })
    writeFileSync(join(unknown, hash('a')), 'other weights')
    expect(await measureFeatureCache(home)).toEqual([
      {
        key: viewKey(backbone, view),
        name: 'efficientnet-lite0 at 224 px',
        entries: 3,
        sizeBytes: 3 * ENTRY_BYTES,
      },
      {
        key: viewKey(backbone, mirrored),
        name: 'efficientnet-lite0 at 320 px, mirrored',
        entries: 1,
        sizeBytes: ENTRY_BYTES,
      },
      { key: '0123456789abcdef', name: undefined, entries: 1, sizeBytes: 13 },
    ])
  })
})

describe('pruneFeatureCache', () => {
  it('removes what was not used for so long, and only that', async () => {
    for (const digit of ['a', 'b']) await put(digit)
    age(pathOf('a'), 31)
    age(pathOf('b'), 29)
    expect((await prune(30)).features).toEqual({ count: 1, sizeBytes: ENTRY_BYTES })
    expect(cache().get(hash('a'), view)).toBeUndefined()
    expect(cache().get(hash('b'), view)).toEqual(Float32Array.of(1, 2, 3, 4))
  })

  it('removes nothing when it only counts', async () => {
    await put('a')
    age(pathOf('a'), 31)
    expect((await prune(30, true)).features.count).toBe(1)
    expect(cache().get(hash('a'), view)).toBeDefined()
  })

  it('keeps the folders, into which others may write', async () => {
    await put('a')
    await prune(-1)
    expect(readdirSync(folderOf('a'))).toEqual([])
  })

  it('removes what a killed process left a day ago, not what one writes now', async () => {
    await put('a')
    for (const name of ['.old.tmp', '.new.tmp']) writeFileSync(join(folderOf('a'), name), 'x')
    age(join(folderOf('a'), '.old.tmp'), 2)
    expect((await prune(30)).unfinished).toEqual({ count: 1, sizeBytes: 1 })
    expect(readdirSync(folderOf('a'))).toEqual(['.new.tmp', hash('a')])
  })

  it('keeps what was used since: reading an old entry makes it new', async () => {
    await put('a')
    age(pathOf('a'), 40)
    cache().get(hash('a'), view)
    expect((await prune(30)).features.count).toBe(0)
  })

  it('notes the use at most once a day', async () => {
    await put('a')
    age(pathOf('a'), 0.5)
    const { mtimeMs } = statSync(pathOf('a'))
    cache().get(hash('a'), view)
    expect(statSync(pathOf('a')).mtimeMs).toBe(mtimeMs)
  })
})
