/** The attempt again with the upper part of its backbone fine-tuned, where that is no worse on photos that judge. */
import { join } from 'node:path'
import { type Backbone, toBackbone } from '../../backbones/catalog.ts'
import {
  type BackboneDescription,
  keepModel,
  readKeptBackbone,
} from '../../backbones/kept-backbones.ts'
import { createFolder } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { sha256 } from '../../core/hashes.ts'
import { manifestId } from '../../datasets/manifest.ts'
import { withLock } from '../../download/file-lock.ts'
import { readBackboneWeights } from '../../features/backbone-weights.ts'
import { featurizePhotos } from '../../features/featurize-photos.ts'
import { encodeInferenceGraph } from '../../features/inference-graph.ts'
import { judgeLogits } from '../../learn/held-out.ts'
import type { Attempt, AttemptPlan } from '../attempt.ts'
import type { JudgeTunedTask, StartTuningTask } from '../fit-task.ts'
import { prepareDataset } from '../prepare-dataset.ts'
import { type RunOptions, runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import { removeCheckpoint } from './checkpoint.ts'
import type { Candidate } from './judge-candidate.ts'
import { type Tuned, tune } from './tune.ts'
import { planTuneSettings, type TuneSettings } from './tune-settings.ts'
import { planTuneSides, type TuneSides } from './tune-sides.ts'
import { featureNetwork } from './tuning-network.ts'

export type TunedAttempt =
  | { readonly attempt: Attempt; readonly notes: readonly string[] }
  /** Why the head on frozen features is kept. */
  | { readonly refusal: string }

/** Throws `usage_invalid` for a backbone in 8 bit, and what `tune` throws. */
export async function tryTuned(
  plan: AttemptPlan,
  frozen: Attempt,
  context: TrainContext,
): Promise<TunedAttempt> {
  const { backbone, views, prepared, grouped, sides } = frozen
  const { home, workers, signal, onEvent = () => {} } = context
  refuseRounded(backbone)
  const { photos, labels, labelIds, features, width } = prepared
  const tuneSides = planTuneSides(photos, grouped.groups, sides, plan.seed)
  const { learn, validation } = tuneSides
  const options: RunOptions = {
    onReport: () => onEvent({ stage: 'step', trial: undefined }),
    signal,
  }
  const classes = labels.length
  const shared = { labels: labelIds, classes, seed: plan.seed, threads: workers }
  onEvent({ stage: 'start-tuning' })
  const start = await runFitTask<StartTuningTask>(
    {
      kind: 'start-tuning',
      ...{ ...shared, features, width, groups: grouped.groups, learn, validation },
      setting: frozen.fit.chosen,
    },
    options,
  )
  const baseline = judgeLogits(
    Int32Array.from(validation, (row) => labelIds[row] ?? 0),
    start.frozenLogits,
    classes,
  )
  const size = views[0]?.size ?? backbone.network.input.size
  const settings = planTuneSettings({
    network: featureNetwork(backbone.network, size),
    size,
    photos: learn.length,
  })
  const folder = join(home, 'cache', 'fine-tuning', keyOf(plan, frozen, settings))
  await createFolder(join(home, 'cache', 'fine-tuning'))
  return withLock(
    `${folder}.lock`,
    async (held) => {
      const locked = { ...context, signal: held }
      const weights = await readBackboneWeights(backbone)
      const tuned = await tune(
        {
          ...{ backbone, weights, settings, views, photos, labelIds, classes, baseline, folder },
          ...{ head: start.head, sides: tuneSides, seed: plan.seed },
        },
        locked,
      )
      if (tuned.best === undefined) {
        const refusal = refusalOf(tuned, baseline.accuracy, validation.length)
        onEvent({ stage: 'tuned', divergedAt: tuned.divergedAt, refusal })
        await removeCheckpoint(folder)
        return { refusal }
      }
      const kept = await keepTuned(home, backbone, settings, tuned.best.candidate)
      onEvent({ stage: 'tuned', divergedAt: tuned.divergedAt, refusal: undefined })
      const attempt = await lookAgain(plan, frozen, kept, tuned.best.candidate, tuneSides, locked)
      await removeCheckpoint(folder)
      return { attempt, notes: notesOf(tuned, tuned.best.epoch, settings, tuneSides, baseline) }
    },
    { signal },
  )
}

function refuseRounded({ id, quantization }: Backbone): void {
  if (quantization === undefined) return
  throw new VergerError(
    'usage_invalid',
    `Expected a backbone in float32 to fine-tune, received ${id}`,
    { hint: `Take ${quantization.from}.` },
  )
}

/** Names what decides the result: another run with the same key goes on where this one stops. */
const keyOf = (
  { seed }: AttemptPlan,
  { backbone, views, prepared, sides }: Attempt,
  settings: TuneSettings,
): string =>
  sha256(
    Buffer.from(
      JSON.stringify({
        format: 1,
        dataset: manifestId(prepared.readable),
        ...{ seed, settings, views },
        weights: backbone.weights.sha256,
        measured: sides.measured,
      }),
    ),
  ).slice(0, 32)

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function refusalOf({ epochs, divergedAt }: Tuned, accuracy: number, photos: number): string {
  const reached = epochs.reduce((most, { validation }) => Math.max(most, validation.accuracy), 0)
  if (divergedAt !== undefined) {
    return `at step ${divergedAt} of the fine-tuning a number was none, and no epoch before it was as accurate as the frozen features`
  }
  return `fine-tuned, it reaches ${percent(reached)} on the ${photos} photos that judge, the frozen features ${percent(accuracy)}`
}

function notesOf(
  { epochs, divergedAt }: Tuned,
  best: number,
  { trainFrom, size }: TuneSettings,
  { learn, validation }: TuneSides,
  baseline: { readonly accuracy: number },
): string[] {
  const reached = epochs.find(({ epoch }) => epoch === best)?.validation.accuracy ?? 0
  return [
    `Fine-tuned from ${trainFrom} on at ${size} pixels with ${learn.length} photos: epoch ${best} of ${epochs.length} was the best of ${percent(reached)} on ${validation.length} photos that judge, where frozen features reach ${percent(baseline.accuracy)}.`,
    ...(divergedAt === undefined
      ? []
      : [`Step ${divergedAt} gave a number that is none: what came before it was kept.`]),
  ]
}

/** Puts a fine-tuned backbone into the home; its id holds its hash, so the same one is kept once. */
async function keepTuned(
  home: string,
  from: Backbone,
  { trainFrom, size }: TuneSettings,
  { network, weights }: Candidate,
): Promise<Backbone> {
  const model = encodeInferenceGraph(network, weights)
  const digest = sha256(model)
  const id = `${from.id.slice(0, LONGEST_NAME)}-tuned-${digest.slice(0, 12)}`
  const { path, sha256: source, sizeBytes, licence } = from.weights
  const description: BackboneDescription = {
    format: 1,
    id,
    architecture: from.architecture,
    network: { ...network, name: id },
    labels: [],
    model: { sha256: digest, sizeBytes: model.length },
    source: { location: path, sha256: source, sizeBytes },
    licence,
    readAs: `${from.id}, fine-tuned from ${trainFrom} on`,
    notes: [`Fine-tuned with photos of ${size} pixels.`],
    createdAt: new Date().toISOString(),
  }
  if (readKeptBackbone(home, id) === undefined) await keepModel(home, description, model)
  return toBackbone(home, description)
}

/** What an id of 64 characters leaves beside `-tuned-` and twelve digits. */
const LONGEST_NAME = 44

/** Looks at all photos through the fine-tuned backbone, and fits thresholds to what its head says. */
async function lookAgain(
  { dataset, photos, seed }: AttemptPlan,
  frozen: Attempt,
  backbone: Backbone,
  { head }: Candidate,
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
    backbone,
    views,
    prepared,
    grouped,
    sides: { ...sides, train: learn, final: learn, cautions },
    fit,
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
