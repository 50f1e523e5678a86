/** Shows what a home folder keeps to save time, and removes what has become useless. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { downloadsFolder, keptBackbonesFolder, listKeptIds } from '../backbones/kept-backbones.ts'
import { listGotBackbones } from '../backbones/portable-backbones.ts'
import {
  listUnpackedArchives,
  measureFolder,
  removeUnpackedArchive,
} from '../datasets/unpacked-archives.ts'
import {
  measureFeatureCache,
  type PrunedFeatures,
  pruneFeatureCache,
  type Removed,
} from '../features/prune-cache.ts'
import { listCachedImports, removeCachedImport } from '../importing/cached-imports.ts'
import { collectGarbage } from '../registry/collect-garbage.ts'
import type { Registry } from '../registry/registry.ts'
import type { Store } from '../store/store.ts'
import { listLeftTunings, removeLeftTuning } from '../training/fine-tune/left-tunings.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { formatCount } from './render.ts'
import { formatBytes } from './render-dataset.ts'
import { withRegistry } from './with-registry.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const COUNTED = [
  { title: '' },
  { title: 'count', align: 'right' },
  { title: 'size', align: 'right' },
] as const

export async function runCacheShow(
  context: CommandContext,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { home } = context.config
  const features = await measureFeatureCache(home)
  const archives = await listUnpackedArchives(home)
  const unpacked = { count: archives.length, sizeBytes: sum(archives) }
  const backbones = {
    count: listKeptIds(home).length,
    sizeBytes: await measureFolder(keptBackbonesFolder(home)),
  }
  const got = await listGotBackbones(home)
  const carried = { count: got.length, sizeBytes: sum(got) }
  const imported = await listCachedImports(home)
  const imports = { count: imported.length, sizeBytes: sum(imported) }
  const left = await listLeftTunings(home)
  const tunings = { count: left.length, sizeBytes: sum(left) }
  const blobs = await withRegistry(context, measureBlobs)
  const bundles = await measureFolders(join(home, 'bundles'))
  const reports = await measureFolders(join(home, 'reports'))
  if (json)
    return printJson(context, {
      ...{
        home,
        features,
        unpacked,
        imports,
        tunings,
        backbones,
        carried,
        blobs,
        bundles,
        reports,
      },
    })
  const row = (what: string, { count, sizeBytes }: Removed) => [
    what,
    formatCount(count),
    formatBytes(sizeBytes),
  ]
  const rows = [
    ...features.map(({ key, name, entries, sizeBytes }) =>
      row(`features, ${name ?? `${key} of another version`}`, { count: entries, sizeBytes }),
    ),
    ...(features.length === 0 ? [row('features', { count: 0, sizeBytes: 0 })] : []),
    row('unpacked archives', unpacked),
    row('classifiers of foreign files', imports),
    row('stopped fine-tunings', tunings),
    row('backbones', backbones),
    row('backbones that versions brought', carried),
    row('files of versions, datasets and corrections', blobs.referenced),
    row('files that nothing refers to', blobs.unreferenced),
    row('bundles', bundles),
    row('reports', reports),
  ]
  context.stdout.write(`${home} keeps\n\n${renderColumns(COUNTED, rows)}`)
}

export interface CachePrunePlan {
  readonly olderThanDays: number
  readonly dryRun: boolean
  readonly json: boolean
}

interface Pruned extends PrunedFeatures {
  readonly unpacked: Removed
  readonly imports: Removed
  /** Of fine-tunings that did not end, what they would go on from. */
  readonly tunings: Removed
  /** Backbones that versions brought, which they bring again. */
  readonly carried: Removed
  readonly downloads: Removed
  readonly blobs: Removed
}

/** Removes what can be made again, or what nothing refers to; with `dryRun` says what that would be. */
export async function runCachePrune(context: CommandContext, plan: CachePrunePlan): Promise<void> {
  const { dryRun, json, olderThanDays } = plan
  const { home } = context.config
  const usedBeforeMs = Date.now() - olderThanDays * DAY_MS
  const archives = await listUnpackedArchives(home)
  const old = archives.filter(({ usedAtMs }) => usedAtMs < usedBeforeMs)
  const imports = (await listCachedImports(home)).filter((each) => each.usedAtMs < usedBeforeMs)
  const tunings = (await listLeftTunings(home)).filter((each) => each.usedAtMs < usedBeforeMs)
  const features = await pruneFeatureCache(home, { usedBeforeMs, dryRun })
  const carried = (await listGotBackbones(home)).filter((each) => each.usedAtMs < usedBeforeMs)
  const downloads = (await listDownloads(home)).filter((each) => each.usedAtMs < usedBeforeMs)
  if (!dryRun) {
    for (const { path } of downloads) await rm(path, { force: true })
    for (const archive of old) await removeUnpackedArchive(archive)
    for (const each of imports) await removeCachedImport(home, each)
    for (const each of tunings) await removeLeftTuning(each)
    for (const { path } of carried) await rm(path, { recursive: true, force: true })
  }
  const pruned: Pruned = {
    ...features,
    unpacked: { count: old.length, sizeBytes: sum(old) },
    imports: { count: imports.length, sizeBytes: sum(imports) },
    tunings: { count: tunings.length, sizeBytes: sum(tunings) },
    carried: { count: carried.length, sizeBytes: sum(carried) },
    downloads: { count: downloads.length, sizeBytes: sum(downloads) },
    blobs: (await withRegistry(context, (_registry, store) => collectGarbage(store, { dryRun })))
      .removed,
  }
  if (json) printJson(context, { dryRun, olderThanDays, ...pruned })
  else context.stdout.write(describePruned(pruned, plan))
}

function describePruned(pruned: Pruned, { dryRun, olderThanDays }: CachePrunePlan): string {
  const days = `${olderThanDays} ${olderThanDays === 1 ? 'day' : 'days'}`
  const parts = [
    [`features not used for ${days}`, pruned.features],
    ['features left half written', pruned.unfinished],
    [`unpacked archives not used for ${days}`, pruned.unpacked],
    [`classifiers of foreign files not used for ${days}`, pruned.imports],
    [`fine-tunings stopped for ${days}`, pruned.tunings],
    [`backbones that versions brought, not used for ${days}`, pruned.carried],
    [`downloads of backbones left for ${days}`, pruned.downloads],
    ['files that nothing refers to', pruned.blobs],
  ] as const
  const gone = parts.filter(([, { count }]) => count > 0)
  if (gone.length === 0) return `Nothing to remove.\n`
  const total = formatBytes(sum(gone.map(([, removed]) => removed)))
  const rows = gone.map(([what, { count, sizeBytes }]) => [
    what,
    formatCount(count),
    formatBytes(sizeBytes),
  ])
  return `${dryRun ? 'Would remove' : 'Removed'} ${total}\n\n${renderColumns(COUNTED, rows)}`
}

async function measureBlobs(registry: Registry, { blobs }: Store) {
  const known = await registry.referencedBlobs()
  const referenced = { count: 0, sizeBytes: 0 }
  const unreferenced = { count: 0, sizeBytes: 0 }
  for await (const { sha256, sizeBytes } of blobs.list()) {
    const counted = known.has(sha256) ? referenced : unreferenced
    counted.count++
    counted.sizeBytes += sizeBytes
  }
  return { referenced, unreferenced }
}

/** Files of weights that arrived in part, or were not read yet. */
async function listDownloads(home: string) {
  const folder = downloadsFolder(home)
  const paths = (await readdir(folder).catch(() => [])).map((name) => join(folder, name))
  return Promise.all(
    paths.map(async (path) => {
      const { size: sizeBytes, mtimeMs: usedAtMs } = await stat(path)
      return { path, sizeBytes, usedAtMs }
    }),
  )
}

/** Entries directly in a folder, and all bytes below it. */
async function measureFolders(folder: string): Promise<Removed> {
  const names = await readdir(folder).catch(() => [])
  return { count: names.length, sizeBytes: await measureFolder(folder) }
}

const sum = (parts: readonly { readonly sizeBytes: number }[]): number =>
  parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
