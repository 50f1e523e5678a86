/**
 * Classifiers that were made elsewhere and answered once without a name: a home of their own below the cache, from which
 * they may go at any time.
 *
 *   <home>/cache/imports/backbones/<id>/        the network
 *   <home>/cache/imports/bundles/<id>-<labels>/ the bundle on it
 */
import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import {
  deleteKeptBackbone,
  keptBackbonesFolder,
  listKeptIds,
} from '../backbones/kept-backbones.ts'
import {
  type ImportedModel,
  type ImportModelContext,
  type ImportModelPlan,
  importModel,
} from './import-model.ts'

const importsHome = (home: string): string => join(home, 'cache', 'imports')
const bundlesFolder = (home: string): string => join(importsHome(home), 'bundles')

export interface CachedImport {
  readonly id: string
  readonly sizeBytes: number
  /** Milliseconds since 1970. */
  readonly usedAtMs: number
}

/** Imports a classifier, or finds what an earlier call left; `home` is where its backbone lies. Throws like `importModel`. */
export async function importCached(
  plan: ImportModelPlan,
  { home, ...context }: Omit<ImportModelContext, 'bundles'>,
): Promise<ImportedModel & { readonly home: string }> {
  const place = importsHome(home)
  const bundles = bundlesFolder(home)
  const imported = await importModel(plan, { ...context, home: place, bundles })
  const now = new Date()
  // A cache that cannot be written to can still be read.
  await utimes(join(keptBackbonesFolder(place), imported.backbone.id), now, now).catch(() => {})
  return { ...imported, home: place }
}

export async function listCachedImports(home: string): Promise<CachedImport[]> {
  const place = importsHome(home)
  return Promise.all(
    listKeptIds(place).map(async (id) => {
      const folder = join(keptBackbonesFolder(place), id)
      const folders = [folder, ...(await bundlesOf(home, id))]
      const sizes = await Promise.all(folders.map(sizeOf))
      return {
        id,
        sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
        usedAtMs: (await stat(folder)).mtimeMs,
      }
    }),
  )
}

export async function removeCachedImport(home: string, { id }: CachedImport): Promise<void> {
  for (const bundle of await bundlesOf(home, id)) await rm(bundle, { recursive: true, force: true })
  await deleteKeptBackbone(importsHome(home), id)
}

async function bundlesOf(home: string, id: string): Promise<string[]> {
  const folder = bundlesFolder(home)
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.startsWith(`${id}-`)).map((name) => join(folder, name))
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
