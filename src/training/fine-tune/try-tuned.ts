/** The attempt again with the upper part of its backbone fine-tuned, where that is no worse on photos that judge. */
import { join } from 'node:path'
import type { Backbone } from '../../backbones/catalog.ts'
import { createFolder } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { sha256 } from '../../core/hashes.ts'
import { manifestId } from '../../datasets/manifest.ts'
import { withLock } from '../../download/file-lock.ts'
import { readBackboneWeights } from '../../features/backbone-weights.ts'
import { judgeLogits } from '../../learn/held-out.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Attempt, AttemptPlan } from '../attempt.ts'
import type { StartTuningTask } from '../fit-task.ts'
import type { Judgement, TuningReport } from '../report.ts'
import { runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import { removeCheckpoint } from './checkpoint.ts'
import { keepTuned } from './keep-tuned.ts'
import { tuningsFolder } from './left-tunings.ts'
import { lookAgain } from './look-again.ts'
import { describeTuning, tellRefusal } from './tell-tuned.ts'
import { tune } from './tune.ts'
import { planTuneSettings, type TuneSettings } from './tune-settings.ts'
import { planTuneSides, type TuneSides } from './tune-sides.ts'
import { featureNetwork } from './tuning-network.ts'

export type TuneOutcome =
  | {
      readonly attempt: Attempt
      readonly tuning: TuningReport
      /** The attempt again with another backbone that gives nearly the same features. */
      lookThrough(backbone: Backbone): Promise<Attempt>
    }
  /** Why the head on frozen features is kept; without a fine-tuning where none was begun. */
  | { readonly refusal: string; readonly tuning: TuningReport | undefined }

export interface TunedAttempt {
  readonly outcome: TuneOutcome
  /** Removes what an interrupted run would go on from; called once the result is safe. */
  forget(): Promise<void>
}

/** Throws `usage_invalid` for a backbone in 8 bit, and what `tune` throws. */
export async function tryTuned(
  plan: AttemptPlan,
  frozen: Attempt,
  context: TrainContext,
): Promise<TunedAttempt> {
  const { backbone, views, prepared, grouped, sides } = frozen
  refuseRounded(backbone)
  const tuneSides = planTuneSides(prepared.photos, grouped.groups, sides, plan.seed)
  const lacking = lackingLabels(frozen, tuneSides)
  if (lacking !== undefined) {
    context.onEvent?.({ stage: 'tuned', divergedAt: undefined, refusal: lacking })
    return { outcome: { refusal: lacking, tuning: undefined }, forget: async () => {} }
  }
  const start = await startFrom(plan, frozen, tuneSides, context)
  const size = views[0]?.size ?? backbone.network.input.size
  const settings = planTuneSettings({
    network: featureNetwork(backbone.network, size),
    size,
    photos: tuneSides.learn.length,
  })
  const folder = join(tuningsFolder(context.home), keyOf(plan, frozen, settings))
  await createFolder(tuningsFolder(context.home))
  const lock = `${folder}.lock`
  const outcome = await withLock(
    lock,
    (signal) =>
      tuneIn(folder, plan, frozen, { ...start, tuneSides, settings }, { ...context, signal }),
    { signal: context.signal, onWait: () => context.onEvent?.({ stage: 'tuning-waits' }) },
  )
  // Another process may be reading it, to take the same result.
  return { outcome, forget: () => withLock(lock, () => removeCheckpoint(folder)) }
}

/** Says which labels could not be learned although the head on frozen features knows them; undefined where there is none. */
function lackingLabels(
  { prepared: { labels, labelIds }, sides }: Attempt,
  { learn }: TuneSides,
): string | undefined {
  const learned = new Set(learn.map((row) => labelIds[row]))
  const known = new Set(sides.final.map((row) => labelIds[row]))
  const lacking = labels.filter((_, id) => known.has(id) && !learned.has(id))
  if (lacking.length === 0) return undefined
  const more = lacking.length > 10 ? ` and ${lacking.length - 10} more` : ''
  return `all photos of ${lacking.slice(0, 10).join(', ')}${more} stand on a side that is not learned from`
}

/** Where a fine-tuning starts, and what it has to beat. */
interface Start {
  readonly head: LinearHead
  readonly baseline: Judgement
}

async function tuneIn(
  folder: string,
  plan: AttemptPlan,
  frozen: Attempt,
  {
    head,
    baseline,
    tuneSides,
    settings,
  }: Start & { readonly tuneSides: TuneSides; readonly settings: TuneSettings },
  context: TrainContext,
): Promise<TuneOutcome> {
  const { backbone, views, prepared } = frozen
  const { home, onEvent = () => {} } = context
  const { photos, labels, labelIds } = prepared
  const { learn, validation } = tuneSides
  const tuned = await tune(
    {
      ...{ backbone, head, settings, views, photos, labelIds, learn, validation, baseline, folder },
      ...{ weights: await readBackboneWeights(backbone), classes: labels.length, seed: plan.seed },
    },
    context,
  )
  const { best, divergedAt } = tuned
  const tuning = describeTuning(tuned, backbone.id, settings, tuneSides, baseline)
  if (best === undefined) {
    const refusal = tellRefusal(tuned, baseline, validation.length)
    onEvent({ stage: 'tuned', divergedAt, refusal })
    return { refusal, tuning }
  }
  const kept = await keepTuned(home, backbone, settings, best.candidate)
  onEvent({ stage: 'tuned', divergedAt, refusal: undefined })
  const lookThrough = (through: Backbone) =>
    lookAgain(plan, frozen, through, best.candidate.head, tuneSides, context)
  return {
    attempt: await lookThrough(kept),
    tuning,
    lookThrough,
  }
}

async function startFrom(
  { seed }: AttemptPlan,
  { prepared, grouped, fit }: Attempt,
  { learn, validation }: TuneSides,
  { workers, signal, onEvent = () => {} }: TrainContext,
): Promise<Start> {
  const { labels, labelIds, features, width } = prepared
  const classes = labels.length
  onEvent({ stage: 'start-tuning' })
  const { head, frozenLogits } = await runFitTask<StartTuningTask>(
    {
      kind: 'start-tuning',
      ...{ features, width, labels: labelIds, classes, seed, threads: workers },
      ...{ groups: grouped.groups, learn, validation, setting: fit.chosen },
    },
    { onReport: () => onEvent({ stage: 'step', trial: undefined }), signal },
  )
  const truth = Int32Array.from(validation, (row) => labelIds[row] ?? 0)
  return { head, baseline: judgeLogits(truth, frozenLogits, classes) }
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
