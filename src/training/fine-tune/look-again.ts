/** What a fine-tuned backbone makes of all photos: features, thresholds and figures, as an attempt of its own. */
import type { Backbone } from '../../backbones/catalog.ts'
import { VergerError } from '../../core/errors.ts'
import { featurizePhotos } from '../../features/featurize-photos.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Attempt, AttemptPlan } from '../attempt.ts'
import type { JudgeTunedTask } from '../fit-task.ts'
import { prepareDataset } from '../prepare-dataset.ts'
import { runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import type { TuneSides } from './tune-sides.ts'

/** Looks at all photos of `frozen` through the fine-tuned backbone, and fits thresholds to what its head says. */
export async function lookAgain(
  { dataset, photos, seed }: AttemptPlan,
  frozen: Attempt,
  backbone: Backbone,
  head: LinearHead,
  { learn, validation, isShared }: TuneSides,
  context: TrainContext,
): Promise<Attempt> {
  const { onEvent = () => {}, workers, signal } = context
  const { views, grouped, sides } = frozen
  onEvent({ stage: 'features', views, photos: photos.length })
  const features = await featurizePhotos(
    {
      photos: photos.map(({ load, sha256: hash }) => ({ photo: load, sha256: hash })),
      backbone,
      views,
    },
    { ...context, onProgress: () => onEvent({ stage: 'photo' }) },
  )
  const { computed, reused, damaged } = features
  onEvent({ stage: 'featurized', computed, reused, damaged })
  const prepared = prepareDataset(photos, dataset.findings, features)
  refuseFewer(frozen.prepared.photos.length, prepared.photos.length)
  const { measured } = sides
  const fit = await runFitTask<JudgeTunedTask>(
    {
      kind: 'judge-tuned',
      ...{ features: prepared.features, width: prepared.width, labels: prepared.labelIds },
      ...{ classes: prepared.labels.length, seed, threads: workers },
      ...{ head, learn, validation, measured },
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
    sides: { ...sides, train: learn, final: learn, cautions },
  }
}

function refuseFewer(expected: number, received: number): void {
  if (expected === received) return
  throw new VergerError(
    'photo_changed',
    `Expected the ${expected} photos that were learned from, received ${received}: some cannot be read any more`,
    { hint: 'Run the command again; it scans the dataset anew.' },
  )
}
