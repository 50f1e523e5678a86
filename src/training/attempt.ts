/** Photos looked at in one way, and what was learned from that. */
import type { Backbone } from '../backbones/catalog.ts'
import { VergerError } from '../core/errors.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import { featurizePhotos } from '../features/featurize-photos.ts'
import type { View } from '../features/views.ts'
import type { FitResult, FitTask, GroupResult, GroupTask } from './fit-task.ts'
import { numberGroups } from './number-groups.ts'
import { planSides, type Sides } from './plan-sides.ts'
import { type PreparedDataset, prepareDataset } from './prepare-dataset.ts'
import { type RunOptions, runFitTask } from './run-fit-task.ts'
import type { TrainContext } from './train-context.ts'

export interface Attempt {
  readonly backbone: Backbone
  readonly views: readonly View[]
  readonly prepared: PreparedDataset
  /** Rows that were learned from and have features, where not all have. */
  readonly seen?: readonly number[]
  readonly grouped: GroupResult
  readonly sides: Sides
  readonly fit: FitResult
}

/** What is the same for every attempt. */
export interface AttemptPlan {
  readonly dataset: ScannedDataset
  readonly photos: readonly ScannedPhoto[]
  readonly seed: number
}

/** Trains on features under `views`; on the sides of `like` where it is given, which looked at the same photos. */
export async function tryViews(
  { dataset, photos, seed }: AttemptPlan,
  backbone: Backbone,
  views: readonly View[],
  context: TrainContext,
  like?: Attempt,
): Promise<Attempt> {
  const { onEvent = () => {}, signal } = context
  onEvent({ stage: 'features', views, photos: photos.length })
  const features = await featurizePhotos(
    { photos: photos.map(({ load, sha256 }) => ({ photo: load, sha256 })), backbone, views },
    { ...context, onProgress: () => onEvent({ stage: 'photo' }) },
  )
  const { computed, reused, damaged } = features
  onEvent({ stage: 'featurized', computed, reused, damaged })
  const prepared = prepareDataset(photos, dataset.findings, features)
  const rows = {
    features: prepared.features,
    width: prepared.width,
    labels: prepared.labelIds,
    classes: prepared.labels.length,
    seed,
    threads: context.workers,
  }
  const options: RunOptions = {
    onReport: ({ trial }) => onEvent({ stage: 'step', trial }),
    signal,
  }
  const hasSameRows = like?.prepared.photos.length === prepared.photos.length
  const grouped =
    like !== undefined && hasSameRows
      ? like.grouped
      : await runFitTask<GroupTask>(
          { kind: 'group', ...rows, named: numberGroups(prepared.photos) },
          options,
        )
  const sides =
    like !== undefined && hasSameRows ? like.sides : planSides(prepared.photos, grouped, seed)
  refuseOneSided(prepared, sides)
  onEvent({ stage: 'sides', prepared, sides })
  const { groups } = grouped
  const { train, measured, final } = sides
  const fit = await runFitTask<FitTask>(
    { kind: 'fit', ...rows, groups, train, measured, final },
    options,
  )
  return { backbone, views, prepared, grouped, sides, fit }
}

function refuseOneSided({ labels, labelIds }: PreparedDataset, { train, measured }: Sides): void {
  const learned = new Set(train.map((row) => labelIds[row]))
  if (learned.size >= 2 && measured.length > 0) return
  throw new VergerError(
    'dataset_untrainable',
    `Expected at least two labels to learn and photos to measure with, received ${learned.size} of ${labels.length} labels on the training side and ${measured.length} photos to measure`,
    { hint: 'Check the split column of the manifest, or add photos.' },
  )
}
