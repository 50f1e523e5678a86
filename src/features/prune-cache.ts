/** What lies in the feature cache, and the removal of what was not used for long. */
import { statSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backbone, findBackbone, listBackboneIds } from '../backbones/catalog.ts'
import { featureCacheFolder, viewKey } from './feature-cache.ts'
import { describeViews, type View } from './views.ts'

/** What is kept of one network under one view. */
export interface CachedView {
  /** Name of its folder. */
  readonly key: string
  /** Network and view, e.g. `efficientnet-lite0 at 224 px`; undefined where no network of this version has the key. */
  readonly name: string | undefined
  readonly entries: number
  readonly sizeBytes: number
}

export interface Removed {
  readonly count: number
  readonly sizeBytes: number
}

export interface PrunedFeatures {
  readonly features: Removed
  /** Files that killed processes left half written. */
  readonly unfinished: Removed
}

export interface PrunePlan {
  /** Entries that were last used before this time, in milliseconds since 1970, go. */
  readonly usedBeforeMs: number
  /** Only count what would go. */
  readonly dryRun: boolean
}

const IS_ENTRY = /^[0-9a-f]{64}$/
const IS_UNFINISHED = /^\..*\.tmp$/
/** No write takes this long, so an older file belongs to a process that was killed. */
const UNFINISHED_AFTER_MS = 24 * 60 * 60 * 1000

/** Counts the entries of each view, those that this version knows first. */
export async function measureFeatureCache(home: string): Promise<CachedView[]> {
  const counts = new Map<string, { entries: number; sizeBytes: number }>()
  for await (const { name, view, sizeBytes } of listFiles(home)) {
    if (!IS_ENTRY.test(name)) continue
    const count = counts.get(view) ?? { entries: 0, sizeBytes: 0 }
    counts.set(view, count)
    count.entries++
    count.sizeBytes += sizeBytes
  }
  const names = nameViews(home)
  const order = [...names.keys()]
  return [...counts]
    .map(([key, count]) => ({ key, name: names.get(key), ...count }))
    .sort((a, b) => (order.indexOf(a.key) >>> 0) - (order.indexOf(b.key) >>> 0))
}

/** Removes entries that were not used lately, and what killed processes left. Folders stay: others may write to them now. */
export async function pruneFeatureCache(
  home: string,
  { usedBeforeMs, dryRun }: PrunePlan,
): Promise<PrunedFeatures> {
  const features = { count: 0, sizeBytes: 0 }
  const unfinished = { count: 0, sizeBytes: 0 }
  const unfinishedBeforeMs = Date.now() - UNFINISHED_AFTER_MS
  for await (const { path, name, sizeBytes, usedAtMs } of listFiles(home)) {
    const isOldEntry = IS_ENTRY.test(name) && usedAtMs < usedBeforeMs
    const isLeftover = IS_UNFINISHED.test(name) && usedAtMs < unfinishedBeforeMs
    if (!isOldEntry && !isLeftover) continue
    if (!dryRun) await rm(path, { force: true })
    const removed = isOldEntry ? features : unfinished
    removed.count++
    removed.sizeBytes += sizeBytes
  }
  return { features, unfinished }
}

/** Files of the cache: `<view>/<aa>/<name>`. */
async function* listFiles(home: string) {
  const root = featureCacheFolder(home)
  for (const view of await namesIn(root)) {
    for (const prefix of await namesIn(join(root, view))) {
      for (const name of await namesIn(join(root, view, prefix))) {
        const path = join(root, view, prefix, name)
        // Another process may remove it at the same time.
        const stats = statSync(path, { throwIfNoEntry: false })
        if (stats?.isFile() !== true) continue
        const usedAtMs = Math.max(stats.mtimeMs, stats.atimeMs)
        yield { path, view, name, sizeBytes: stats.size, usedAtMs }
      }
    }
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Sides that people give to `verger train --size`; the features of another side have a key only. */
const SIZES = Array.from({ length: 18 }, (_, index) => 96 + 32 * index)

/** Key of each view that this version can make → what it is. */
function nameViews(home: string): Map<string, string> {
  const names = new Map<string, string>()
  for (const id of listBackboneIds(home)) {
    const backbone = findUndamaged(id, home)
    if (backbone === undefined) continue
    const sizes = new Set([...SIZES, backbone.network.input.size])
    for (const view of [...sizes].flatMap((size): View[] => [
      { size, mirrored: false },
      { size, mirrored: true },
    ])) {
      const sides = describeViews([{ ...view, mirrored: false }])
      names.set(viewKey(backbone, view), `${id} at ${sides}${view.mirrored ? ', mirrored' : ''}`)
    }
  }
  return names
}

/** Undefined for a backbone whose description cannot be read, of which `verger doctor` tells. */
function findUndamaged(id: string, home: string): Backbone | undefined {
  try {
    return findBackbone(id, home)
  } catch {
    return undefined
  }
}
