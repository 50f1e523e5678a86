/** The photos of a dataset → their features, and which of them look alike. */
import type { Backbone } from '../backbones/catalog.ts'
import { brokenFinding } from '../datasets/broken-finding.ts'
import { compareCodePoints } from '../datasets/code-point-order.ts'
import { manifestId } from '../datasets/manifest.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import {
  type FeaturizeContext,
  featurizePhotos,
  type PhotoFeatures,
} from '../features/featurize-photos.ts'
import { viewsOf } from '../features/views.ts'
import { sizeFor } from './choose-side.ts'
import type { GroupResult, GroupTask } from './fit-task.ts'
import { numberGroups } from './number-groups.ts'
import { runFitTask } from './run-fit-task.ts'
import type { TrainEvent } from './train-context.ts'

export interface ComparePlan {
  readonly dataset: ScannedDataset
  readonly backbone: Backbone
  readonly seed: number
}

/** What is told while photos are looked at. */
export type FeatureEvent = Extract<TrainEvent, { stage: 'features' | 'photo' | 'featurized' }>
export type CompareEvent = FeatureEvent | { readonly stage: 'compare' } | { readonly stage: 'step' }

export interface CompareContext extends Omit<FeaturizeContext, 'onProgress'> {
  onEvent?(event: CompareEvent): void
}

export interface ComparedPhotos extends GroupResult {
  /** The dataset without the photos that turned out to be broken, which are findings in it. */
  readonly dataset: ScannedDataset
  /** Every photo that was looked at, and what was seen. */
  readonly all: readonly ScannedPhoto[]
  readonly seen: PhotoFeatures
  /** The first of those with the same bytes: pairs and groups are about these. */
  readonly different: readonly ScannedPhoto[]
}

/** Looks at every photo as `verger train` does by default, and compares each with each. Throws as `featurizePhotos` does. */
export async function comparePhotos(
  { dataset, backbone, seed }: ComparePlan,
  context: CompareContext,
): Promise<ComparedPhotos> {
  const { onEvent = () => {}, signal, workers } = context
  const all = dataset.photos
  const views = viewsOf('plain', sizeFor(all, backbone))
  onEvent({ stage: 'features', views, photos: all.length })
  const seen = await featurizePhotos(
    { photos: all.map(({ load, sha256 }) => ({ photo: load, sha256 })), backbone, views },
    { ...context, onProgress: () => onEvent({ stage: 'photo' }) },
  )
  const { computed, reused, damaged } = seen
  onEvent({ stage: 'featurized', computed, reused, damaged })

  onEvent({ stage: 'compare' })

  const hashes = new Set<string>()
  const rows = [...all.entries()].flatMap(([row, { sha256 }]) => {
    if (seen.failed.has(row) || hashes.has(sha256)) return []
    hashes.add(sha256)
    return [row]
  })
  const different = rows.flatMap((row) => all[row] ?? [])
  const labels = [...new Set(all.map(({ label }) => label))].sort(compareCodePoints)
  const task: GroupTask = {
    kind: 'group',
    named: numberGroups(different),
    features: pickRows(seen, rows),
    width: seen.width,
    labels: Int32Array.from(different, ({ label }) => labels.indexOf(label)),
    classes: labels.length,
    seed,
    threads: workers,
  }
  const grouped = await runFitTask(task, { onReport: () => onEvent({ stage: 'step' }), signal })
  return { dataset: withoutBroken(dataset, seen), all, seen, different, ...grouped }
}

function withoutBroken(dataset: ScannedDataset, { failed }: PhotoFeatures): ScannedDataset {
  if (failed.size === 0) return dataset
  const photos = dataset.photos.filter((_, row) => !failed.has(row))
  const broken = [...failed].flatMap(([row, error]) => {
    const photo = dataset.photos[row]
    return photo === undefined ? [] : [brokenFinding(photo.path, error, photo.label)]
  })
  return {
    ...dataset,
    ...{ photos, id: manifestId(photos) },
    sizeBytes: photos.reduce((sum, photo) => sum + photo.sizeBytes, 0),
    findings: [...dataset.findings, ...broken],
  }
}

/** The features themselves where every row is picked, for they are large; else a copy, in shared memory too. */
function pickRows({ features, width }: PhotoFeatures, rows: readonly number[]): Float32Array {
  if (rows.length * width === features.length) return features
  const picked = new Float32Array(new SharedArrayBuffer(Math.max(4, rows.length * width * 4)))
  for (const [to, row] of rows.entries()) {
    picked.set(features.subarray(row * width, (row + 1) * width), to * width)
  }
  return picked.subarray(0, rows.length * width)
}
