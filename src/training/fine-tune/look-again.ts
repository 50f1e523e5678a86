/** What a fine-tuned backbone makes of the photos: features, thresholds and figures, as an attempt of its own. */
import type { Backbone } from '../../backbones/catalog.ts'
import { VergerError } from '../../core/errors.ts'
import { featurizePhotos } from '../../features/featurize-photos.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Attempt } from '../attempt.ts'
import type { JudgeTunedTask } from '../fit-task.ts'
import type { PreparedDataset } from '../prepare-dataset.ts'
import { runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import type { Looks } from './plan-looks.ts'
import type { TuneSides } from './tune-sides.ts'

export interface LookPlan {
  readonly frozen: Attempt
  /** Fine-tuned, and its head. */
  readonly backbone: Backbone
  readonly head: LinearHead
  readonly sides: TuneSides
  readonly looks: Looks
  readonly seed: number
}

/** Looks at photos through the fine-tuned backbone, and fits thresholds to what its head says. */
export async function lookAgain(
  { frozen, backbone, head, sides: tuneSides, looks, seed }: LookPlan,
  context: TrainContext,
): Promise<Attempt> {
  const { onEvent = () => {}, workers, signal } = context
  const { views, grouped, sides } = frozen
  const { learn, validation, isShared } = tuneSides
  const features = await featuresOf(frozen, backbone, looks.rows, context)
  const prepared: PreparedDataset = { ...frozen.prepared, features }
  const { width, labels, labelIds } = prepared
  const fit = await runFitTask<JudgeTunedTask>(
    {
      kind: 'judge-tuned',
      ...{ features, width, labels: labelIds, classes: labels.length, seed, threads: workers },
      ...{ head, learn: looks.learned, validation, measured: sides.measured },
    },
    { onReport: () => onEvent({ stage: 'step', trial: undefined }), signal },
  )
  const cautions = isShared
    ? [
        ...sides.cautions,
        'The measured photos also chose the epoch and fitted the thresholds, for want of others: expect a little less of photos that are new.',
      ]
    : sides.cautions
  return {
    ...{ backbone, views, prepared, grouped, fit },
    seen: looks.learned,
    sides: { ...sides, train: learn, final: learn, cautions },
  }
}

/** `[photos, width]`, zeros for photos other than `rows`. In shared memory. */
async function featuresOf(
  { views, prepared }: Attempt,
  backbone: Backbone,
  rows: readonly number[],
  context: TrainContext,
): Promise<Float32Array> {
  const { onEvent = () => {} } = context
  const { photos, width } = prepared
  onEvent({ stage: 'features', views, photos: rows.length })
  const seen = await featurizePhotos(
    {
      photos: rows
        .flatMap((row) => photos[row] ?? [])
        .map(({ load, sha256 }) => ({ photo: load, sha256 })),
      backbone,
      views,
    },
    { ...context, onProgress: () => onEvent({ stage: 'photo' }) },
  )
  const { computed, reused, damaged, failed } = seen
  onEvent({ stage: 'featurized', computed, reused, damaged })
  refuseFailed([...failed.values()], rows.length)
  const features = new Float32Array(new SharedArrayBuffer(photos.length * width * 4))
  for (const [place, row] of rows.entries()) {
    features.set(seen.features.subarray(place * width, (place + 1) * width), row * width)
  }
  return features
}

function refuseFailed(failed: readonly VergerError[], all: number): void {
  const [first] = failed
  if (first === undefined) return
  throw new VergerError(
    'photo_changed',
    `Expected the ${all} photos that were read before, received ${all - failed.length}; of the first that cannot be read any more: ${first.message}`,
    { hint: 'Run the command again; it scans the dataset anew.', cause: first },
  )
}
