/** A scanned dataset and its features → rows to learn from, without what would mislead. */
import { VergerError } from '../core/errors.ts'
import { brokenFinding } from '../datasets/broken-finding.ts'
import { compareCodePoints } from '../datasets/code-point-order.ts'
import type { Finding } from '../datasets/findings.ts'
import type { DatasetPhoto } from '../datasets/manifest.ts'
import type { ScannedPhoto } from '../datasets/scan.ts'
import type { PhotoFeatures } from '../features/featurize-photos.ts'

export interface PreparedDataset {
  /** All photos that can be read: the dataset version. */
  readonly readable: readonly DatasetPhoto[]
  /** Photos to learn from and measure with: each once, under one label. */
  readonly photos: readonly ScannedPhoto[]
  /** In the order of code points. */
  readonly labels: readonly string[]
  /** `[photos]` */
  readonly labelIds: Int32Array
  /** `[photos, width]`, in shared memory. */
  readonly features: Float32Array
  readonly width: number
  /** What was found before, and what only now turned out to be unreadable. */
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Finding[]
}

/**
 * Refuses a dataset from which nothing can be learned whatever its photos show: asked before they are looked at, which
 * takes longer. Throws `dataset_untrainable` where labels collide, or where too little is left to learn and measure.
 */
export function requireTrainable(
  photos: readonly DatasetPhoto[],
  findings: readonly Finding[],
): void {
  refuseCollidingLabels(findings)
  refuseTooLittle(usableRows(photos).flatMap((row) => photos[row] ?? []))
}

/**
 * Leaves out photos that cannot be read, copies, and photos that stand under two labels. Throws as `requireTrainable`
 * does, for what is left.
 */
export function prepareDataset(
  all: readonly ScannedPhoto[],
  scanFindings: readonly Finding[],
  { features, width, failed }: PhotoFeatures,
): PreparedDataset {
  const unreadable: Finding[] = []
  const readable: { photo: ScannedPhoto; row: number }[] = []
  for (const [row, photo] of all.entries()) {
    const error = failed.get(row)
    if (error === undefined) readable.push({ photo, row })
    else unreadable.push(brokenFinding(photo.path, error, photo.label))
  }
  const photos = readable.map(({ photo }) => photo)
  requireTrainable(photos, scanFindings)
  const kept = usableRows(photos).flatMap((place) => readable[place] ?? [])
  const labels = [...new Set(kept.map(({ photo }) => photo.label))].sort(compareCodePoints)

  const picked = new Float32Array(new SharedArrayBuffer(kept.length * width * 4))
  for (const [to, { row }] of kept.entries()) {
    picked.set(features.subarray(row * width, (row + 1) * width), to * width)
  }
  return {
    readable: photos,
    photos: kept.map(({ photo }) => photo),
    labels,
    labelIds: Int32Array.from(kept, ({ photo }) => labels.indexOf(photo.label)),
    features: picked,
    width,
    findings: [...scanFindings, ...unreadable],
    unreadable,
  }
}

/** Photos to learn from and measure with: the first of each copy, unless copies stand under two labels. */
export function usableRows(photos: readonly Pick<DatasetPhoto, 'sha256' | 'label'>[]): number[] {
  const labelsOf = new Map<string, Set<string>>()
  for (const { sha256, label } of photos) {
    labelsOf.set(sha256, (labelsOf.get(sha256) ?? new Set()).add(label))
  }
  const seen = new Set<string>()
  return [...photos.entries()].flatMap(([row, { sha256 }]) => {
    const isFirst = !seen.has(sha256)
    seen.add(sha256)
    return isFirst && labelsOf.get(sha256)?.size === 1 ? [row] : []
  })
}

function refuseCollidingLabels(findings: readonly Finding[]): void {
  const colliding = findings.filter(({ kind }) => kind === 'colliding-labels')
  if (colliding.length === 0) return
  throw new VergerError('dataset_untrainable', colliding.map(({ message }) => message).join(' '), {
    hint: 'Rename the folders, so that labels that mean the same are spelt the same.',
    details: { labels: colliding.flatMap(({ labels }) => labels) },
  })
}

function refuseTooLittle(photos: readonly DatasetPhoto[]): void {
  const counts = new Map<string, number>()
  for (const { label } of photos) counts.set(label, (counts.get(label) ?? 0) + 1)
  const hint =
    'A label is the name of the folder in which its photos lie; a few photos each are a start.'
  if (counts.size < 2) {
    const received = counts.size === 0 ? 'no usable photo' : `only '${[...counts.keys()].join()}'`
    throw new VergerError(
      'dataset_untrainable',
      `Expected photos of at least two labels, received ${received}`,
      { hint, details: { labels: [...counts.keys()] } },
    )
  }
  const measurable = [...counts.values()].filter((count) => count > 1).length
  if (measurable < 2) {
    throw new VergerError(
      'dataset_untrainable',
      `Expected at least two labels with two different photos each, to learn from one and measure with the other; received ${measurable}`,
      { hint, details: { labels: counts.size, photos: photos.length } },
    )
  }
}
