/** Photos that the benches read; they are never part of the project. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './child.ts'

const DATASETS = process.env['VERGER_DATASETS'] ?? join(ROOT, '../shared/datasets')

export const FRUITS_360 = join(DATASETS, 'fruits-360-sample')
export const GROCERY_STORE = join(DATASETS, 'grocery-store/val')
export const GROCERY_STORE_TRAIN = join(DATASETS, 'grocery-store/train')

/** Paths of the first `count` JPEGs below a folder, in the order of their names. Throws when the folder is absent. */
export function photosBelow(folder: string, count = Number.POSITIVE_INFINITY): string[] {
  if (!existsSync(folder)) {
    throw new Error(
      `Expected photos at ${folder}: set VERGER_DATASETS to the folder that holds the data sets`,
    )
  }
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const photos = names.filter((name) => name.endsWith('.jpg')).sort()
  return photos.slice(0, count).map((name) => join(folder, name))
}
