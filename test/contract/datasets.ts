/** Where the photo collections lie that are too large, or not ours, to be in the repository. */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const DATASETS = resolve(root, process.env['VERGER_DATASETS'] ?? '../shared/datasets')

/** Whether every collection that is named is here. */
export const hasDatasets = (...names: string[]): boolean =>
  names.every((name) => existsSync(join(DATASETS, name)))

/** Stands in the name of a suite that is skipped without them. */
export const NEEDS_DATASETS =
  '(skipped unless VERGER_DATASETS names a folder with the photo collections)'

/** Paths of the JPEGs below a folder of the collections, sorted. */
export function findJpegs(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(DATASETS, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.jpg'))
      .map((path) => join(DATASETS, folder, path))
      .sort(),
  )
}

/** `count` paths at equal distances, the same at every run. */
export function sample(paths: readonly string[], count: number): string[] {
  const step = Math.max(1, Math.floor(paths.length / count))
  return paths.filter((_, index) => index % step === 0).slice(0, count)
}
