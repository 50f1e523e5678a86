/** What changed between two dataset versions. */
import { compareCodePoints } from './code-point-order.ts'
import { groupBy } from './group-by.ts'
import { countLabels } from './label-counts.ts'
import type { DatasetPhoto } from './manifest.ts'

/** A property of one photo that is not what it was; absent before or after where a photo had none. */
export interface Change {
  /** Path in the second version. */
  readonly path: string
  readonly from: string | undefined
  readonly to: string | undefined
}

/** All lists by path in the order of code points. */
export interface DatasetDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** The same bytes under another path. */
  readonly moved: readonly { readonly from: string; readonly to: string }[]
  /** Other bytes under the same path. */
  readonly replaced: readonly string[]
  readonly relabelled: readonly Change[]
  /** Photos on another side of the split. */
  readonly resplit: readonly Change[]
  readonly regrouped: readonly Change[]
  /** Labels whose number of photos differs. */
  readonly labels: readonly {
    readonly label: string
    readonly before: number
    readonly after: number
  }[]
}

/** Compares the photos of version `a` (before) with those of `b` (after). */
export function diffDatasets(a: readonly DatasetPhoto[], b: readonly DatasetPhoto[]): DatasetDiff {
  const before = byPath(a)
  const after = byPath(b)
  const gone = [...before.values()].filter(({ path }) => !after.has(path))
  const fresh = [...after.values()].filter(({ path }) => !before.has(path))
  const moved = pairMoved(gone, fresh)
  const left = new Set(moved.map(([from]) => from.path))
  const arrived = new Set(moved.map(([, to]) => to.path))

  const pairs = [...moved]
  const replaced: string[] = []
  for (const photo of after.values()) {
    const old = before.get(photo.path)
    if (old === undefined) continue
    pairs.push([old, photo])
    if (old.sha256 !== photo.sha256) replaced.push(photo.path)
  }
  pairs.sort(([, x], [, y]) => compareCodePoints(x.path, y.path))
  const changes = (key: 'label' | 'split' | 'group'): Change[] =>
    pairs
      .filter(([from, to]) => from[key] !== to[key])
      .map(([from, to]) => ({ path: to.path, from: from[key], to: to[key] }))

  return {
    added: fresh.map(({ path }) => path).filter((path) => !arrived.has(path)),
    removed: gone.map(({ path }) => path).filter((path) => !left.has(path)),
    moved: moved.map(([from, to]) => ({ from: from.path, to: to.path })),
    replaced,
    relabelled: changes('label'),
    resplit: changes('split'),
    regrouped: changes('group'),
    labels: diffCounts(a, b),
  }
}

function byPath(photos: readonly DatasetPhoto[]): Map<string, DatasetPhoto> {
  const sorted = [...photos].sort((x, y) => compareCodePoints(x.path, y.path))
  return new Map(sorted.map((photo) => [photo.path, photo]))
}

/** Pairs photos with the same bytes, first with first. */
function pairMoved(
  gone: readonly DatasetPhoto[],
  fresh: readonly DatasetPhoto[],
): [DatasetPhoto, DatasetPhoto][] {
  const waiting = groupBy(gone, ({ sha256 }) => sha256)
  const pairs: [DatasetPhoto, DatasetPhoto][] = []
  for (const photo of fresh) {
    const old = waiting.get(photo.sha256)?.shift()
    if (old !== undefined) pairs.push([old, photo])
  }
  return pairs
}

function diffCounts(a: readonly DatasetPhoto[], b: readonly DatasetPhoto[]): DatasetDiff['labels'] {
  const before = new Map(countLabels(a).map(({ label, photos }) => [label, photos]))
  const after = new Map(countLabels(b).map(({ label, photos }) => [label, photos]))
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort(compareCodePoints)
    .map((label) => ({ label, before: before.get(label) ?? 0, after: after.get(label) ?? 0 }))
    .filter((count) => count.before !== count.after)
}
