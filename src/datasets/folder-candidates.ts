/** A folder of photos → candidates: the label is the name of the folder that a photo lies in, at any depth. */
import { join, posix, relative, sep } from 'node:path'
import { glob } from 'tinyglobby'
import { brokenFinding } from './broken-finding.ts'
import type { Candidate, FoundCandidates } from './candidates.ts'
import { compareCodePoints } from './code-point-order.ts'
import { findPhotos } from './find-photos.ts'
import type { Finding } from './findings.ts'
import type { Split } from './manifest.ts'
import { parseSplit } from './split-names.ts'

export interface FolderOptions {
  /** Pattern below the folder that paths must match, e.g. `train/**`. */
  readonly glob?: string
  /** Told how many photos were found so far. */
  readonly onProgress?: (found: number) => void
}

/**
 * Finds the photos below `root`. Where every one of them lies below `train/`, `validation/` or `test/` (or another usual
 * spelling) and at least two of these are there, that folder gives the split; folders in which all of it lies, as in many
 * an archive, do not count.
 */
export async function findFolderCandidates(
  root: string,
  { glob: pattern, onProgress }: FolderOptions = {},
): Promise<FoundCandidates> {
  const wanted = pattern === undefined ? undefined : await matchPaths(root, pattern)
  const paths: string[] = []
  const findings: Finding[] = []
  for await (const found of findPhotos(root)) {
    const path = relative(root, found.path).split(sep).join('/')
    if ('error' in found) findings.push(brokenFinding(path, found.error))
    else if (wanted?.has(path) !== false) {
      paths.push(path)
      onProgress?.(paths.length)
    }
  }
  paths.sort(compareCodePoints)

  const depth = countCommonFolders(paths)
  const splits = recogniseSplits(paths.map((path) => withoutFolders(path, depth)))
  const candidates: Candidate[] = []
  const unlabelled: string[] = []
  for (const [index, path] of paths.entries()) {
    const split = splits?.[index]
    const folder = posix.dirname(split === undefined ? path : withoutFolders(path, depth + 1))
    if (folder === '.') unlabelled.push(path)
    else {
      const place = { path, load: join(root, path), label: posix.basename(folder) }
      candidates.push(split === undefined ? place : { ...place, split })
    }
  }
  if (unlabelled.length > 0) findings.push(unlabelledFinding(unlabelled))
  return { root, candidates, findings }
}

async function matchPaths(root: string, pattern: string): Promise<ReadonlySet<string>> {
  const paths = await glob(pattern, {
    cwd: root,
    expandDirectories: false,
    followSymbolicLinks: true,
  })
  return new Set(paths)
}

/** Split of each path by its first folder, or undefined where the folders are no split. */
function recogniseSplits(paths: readonly string[]): readonly Split[] | undefined {
  const splits: Split[] = []
  for (const path of paths) {
    const first = path.indexOf('/')
    const split = first < 0 ? undefined : parseSplit(path.slice(0, first))
    if (split === undefined) return undefined
    splits.push(split)
  }
  return new Set(splits).size >= 2 ? splits : undefined
}

/** How many folders, from the root, every path lies in. */
function countCommonFolders(paths: readonly string[]): number {
  const [first = [], ...others] = paths.map((path) => path.split('/').slice(0, -1))
  let count = 0
  while (count < first.length && others.every((folders) => folders[count] === first[count])) count++
  return count
}

const withoutFolders = (path: string, count: number): string =>
  path.split('/').slice(count).join('/')

function unlabelledFinding(paths: readonly string[]): Finding {
  return {
    kind: 'no-label',
    message: 'Expected every photo in a folder named after its label, found photos outside of any',
    paths,
    labels: [],
  }
}
