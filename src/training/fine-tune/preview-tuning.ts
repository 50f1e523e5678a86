/** Photos as a fine-tuning would see them, made by its own workers with its own seed. */
import type { Backbone } from '../../backbones/catalog.ts'
import { VergerError } from '../../core/errors.ts'
import { readVersion } from '../../core/version.ts'
import { compareCodePoints } from '../../datasets/code-point-order.ts'
import { groupBy } from '../../datasets/group-by.ts'
import type { ScannedPhoto } from '../../datasets/scan.ts'
import { type Augmenter, openAugmenter } from '../../features/augmented-photos.ts'
import { UNCHANGED } from '../../images/augment.ts'
import { pictureOf } from '../../images/thumbnail.ts'
import { evenly } from '../../learn/evenly.ts'
import { usableRows } from '../prepare-dataset.ts'
import type { PreviewReport } from '../report.ts'
import type { TrainContext } from '../train-context.ts'
import { augmentationOf } from './batches.ts'

export interface PreviewPlan {
  /** Name of the dataset. */
  readonly name: string
  readonly photos: readonly ScannedPhoto[]
  readonly backbone: Backbone
  /** Side of the network in pixels. */
  readonly size: number
  readonly seed: number
}

/** Labels that are shown: enough to judge by, few enough for a page that opens at once. */
const MOST_ROWS = 24
/** Epochs that are shown of each photo. */
const EPOCHS = 7

/**
 * Shows a photo of each label, of labels evenly chosen where there are many. Throws `dataset_untrainable` where no photo
 * to learn from can be read.
 */
export async function previewTuning(
  { name, photos, backbone, size, seed }: PreviewPlan,
  { workers, limits, signal }: TrainContext,
): Promise<PreviewReport> {
  const learned = usableRows(photos)
    .flatMap((row) => photos[row] ?? [])
    .filter(({ split = 'train' }) => split === 'train')
  const byLabel = groupBy(learned, ({ label }) => label)
  const augmenter = openAugmenter({ size, workers, limits })
  const rows: Row[] = []
  try {
    for (const label of evenly([...byLabel.keys()].sort(compareCodePoints), MOST_ROWS)) {
      const row = await firstReadable(byLabel.get(label) ?? [], (photo) => {
        signal?.throwIfAborted()
        return show(photo, augmenter, size, seed)
      })
      if (row !== undefined) rows.push(row)
    }
  } finally {
    await augmenter.close()
  }
  if (rows.length === 0) {
    throw new VergerError(
      'dataset_untrainable',
      `Expected photos to learn from, received ${learned.length} that are not on the validation or test side, of which none can be read`,
      { hint: 'verger datasets check DATASET shows what is wrong with it.' },
    )
  }
  return {
    kind: 'preview',
    format: 1,
    vergerVersion: readVersion(),
    createdAt: new Date().toISOString(),
    dataset: { name, photos: learned.length, labels: byLabel.size },
    ...{ backbone: backbone.id, seed, size, rows },
  }
}

type Row = PreviewReport['rows'][number]

/** A training leaves out photos that cannot be read; so does its preview. */
async function firstReadable(
  photos: readonly ScannedPhoto[],
  read: (photo: ScannedPhoto) => Promise<Row>,
): Promise<Row | undefined> {
  for (const photo of photos) {
    try {
      return await read(photo)
    } catch (error) {
      if (!(error instanceof VergerError)) throw error
    }
  }
  return undefined
}

async function show(
  { path, label, load, sha256 }: ScannedPhoto,
  augmenter: Augmenter,
  size: number,
  seed: number,
): Promise<Row> {
  const photo = typeof load === 'string' ? load : await load()
  const epochs = Array.from({ length: EPOCHS }, (_, epoch) => augmentationOf(seed, epoch, sha256))
  const changes = [UNCHANGED, ...epochs]
  const levels = await augmenter.run(
    changes.map((augmentation) => ({ photo, sha256, augmentation })),
  )
  const perPhoto = size * size * 3
  const [original = '', ...pictures] = await Promise.all(
    changes.map((_, place) =>
      pictureOf({
        data: levels.subarray(place * perPhoto, (place + 1) * perPhoto),
        width: size,
        height: size,
      }),
    ),
  )
  return { label, path, original, epochs: pictures }
}
