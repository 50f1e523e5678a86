/** Unpacked files → the folder or the manifest that is the dataset. */
import { readdir, readFile } from 'node:fs/promises'
import { join, posix, relative, sep } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { writeFileAtomic } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { findPhotos } from '../find-photos.ts'
import type { Split } from '../manifest.ts'
import type { Layout } from './dataset-catalog.ts'

export interface ArrangedPhotos {
  /** Folder, or manifest file, that holds the photos. */
  readonly path: string
  readonly count: number
}

interface Row {
  /** Path from the folder of the manifest, with `/` between its parts. */
  readonly path: string
  readonly label: string
  readonly split: Split
}

/**
 * Finds the photos, and writes `manifest.csv` where the publisher's split would be lost without it. Throws
 * `archive_invalid` where the files do not lie as the layout says, and `no_photo` where none is a photo.
 */
export async function arrangePhotos(files: string, layout: Layout): Promise<ArrangedPhotos> {
  const root = await findRoot(files, files, marksOf(layout))
  if (layout.kind === 'folders') {
    let count = 0
    for await (const _photo of findPhotos(root)) count++
    return refuseEmpty({ path: root, count })
  }
  const rows =
    layout.kind === 'split-folders'
      ? await rowsOfFolders(root, layout.sides)
      : await rowsOfLists(root, layout.lists)
  const path = join(root, 'manifest.csv')
  const columns = ['path', 'label', 'split']
  await writeFileAtomic(path, stringify([...rows], { header: true, columns }))
  return refuseEmpty({ path, count: rows.length })
}

function marksOf(layout: Layout): readonly string[] {
  if (layout.kind === 'folders') return layout.marks
  if (layout.kind === 'split-folders') return Object.keys(layout.sides)
  // A copy without the photos of the test side is of use too.
  return Object.keys(layout.lists).slice(0, 1)
}

/** The topmost folder that holds all of `marks`; archives wrap their content into a folder or two. */
async function findRoot(
  folder: string,
  files: string,
  marks: readonly string[],
  depth = 2,
): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.map(({ name }) => name)
  if (marks.every((mark) => names.includes(mark))) return folder
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  for (const name of depth > 0 ? below.sort() : []) {
    const root = await findRoot(join(folder, name), files, marks, depth - 1).catch(() => undefined)
    if (root !== undefined) return root
  }
  throw new VergerError(
    'archive_invalid',
    `Expected ${marks.join(', ')} in the archive, received ${names.sort().slice(0, 10).join(', ') || 'nothing'}`,
    {
      hint: 'The publisher has arranged the archive anew, or it is another one: see whether Verger has an update.',
    },
  )
}

async function rowsOfFolders(
  root: string,
  sides: Readonly<Record<string, Split>>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const [side, split] of Object.entries(sides)) {
    for await (const photo of findPhotos(join(root, side))) {
      if ('error' in photo) throw photo.error
      const path = relative(root, photo.path).split(sep).join('/')
      rows.push({ path, label: labelOf(path), split })
    }
  }
  return rows
}

/** Lines are `path, fine id, coarse id`. */
async function rowsOfLists(
  root: string,
  lists: Readonly<Record<string, Split>>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const names = await readdir(root)
  for (const [list, split] of Object.entries(lists)) {
    if (!names.includes(list)) continue
    for (const line of (await readFile(join(root, list), 'utf8')).split('\n')) {
      const path = (line.split(',')[0] ?? '').trim()
      if (path !== '') rows.push({ path, label: labelOf(path), split })
    }
  }
  return rows
}

const labelOf = (path: string): string => posix.basename(posix.dirname(path))

function refuseEmpty(photos: ArrangedPhotos): ArrangedPhotos {
  if (photos.count > 0) return photos
  throw new VergerError('no_photo', 'Expected photos in the archive, found none', {
    hint: 'Photos are found by their extension: jpg, jpeg, png, webp, gif, tif, tiff.',
  })
}
