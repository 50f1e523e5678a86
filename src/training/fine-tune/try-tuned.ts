/** The attempt again with the upper part of its backbone fine-tuned, where that is no worse on photos that judge. */
import { join } from 'node:path'
import type { Backbone } from '../../backbones/catalog.ts'
import { createFolder } from '../../core/atomic-write.ts'
import { VergerError } from '../../core/errors.ts'
import { sha256 } from '../../core/hashes.ts'
import type { Finding } from '../../datasets/findings.ts'
import { manifestId } from '../../datasets/manifest.ts'
import { withLock } from '../../download/file-lock.ts'
import { readBackboneWeights } from '../../features/backbone-weights.ts'
import { judgeSmoothed } from '../../learn/held-out.ts'
import type { LinearHead } from '../../learn/softmax-regression.ts'
import type { Attempt, AttemptPlan } from '../attempt.ts'
import type { StartTuningTask } from '../fit-task.ts'
import type { Judgement, TuningReport } from '../report.ts'
import { runFitTask } from '../run-fit-task.ts'
import type { TrainContext } from '../train-context.ts'
import { readCheckpoint, removeCheckpoint } from './checkpoint.ts'
import {
  type ChoicePlan,
  chooseSettings,
  defaultSettings,
  sideOf,
  type TimeBudget,
} from './choose-settings.ts'
import { findDoubted, withoutDoubted } from './doubted-photos.ts'
import { keepTuned } from './keep-tuned.ts'
import { tuningsFolder } from './left-tunings.ts'
import { lookAgain } from './look-again.ts'
import { observeFrozen } from './observe-frozen.ts'
import { planLooks } from './plan-looks.ts'
import { describeChoice, describeTuning, tellRefusal, tellTooLittle } from './tell-tuned.ts'
import { type TuneCheckpoint, tune } from './tune.ts'
import { planTuneSides, type TuneSides } from './tune-sides.ts'

export interface TuneRequest extends AttemptPlan {
  /** Undefined: the recipe as it is, however long it takes. */
  readonly budget: TimeBudget | undefined
}

export type TuneOutcome =
  | {
      readonly attempt: Attempt
      readonly tuning: TuningReport
      /** What was chosen for a time budget, and why; undefined without one. */
      readonly choice: string | undefined
      /** The attempt again with another backbone that gives nearly the same features. */
      lookThrough(backbone: Backbone): Promise<Attempt>
    }
  /** Why the head on frozen features is kept; without a fine-tuning where none was begun. */
  | { readonly refusal: string; readonly tuning: TuningReport | undefined }

export interface TunedAttempt {
  readonly outcome: TuneOutcome
  /** Photos whose label is probably wrong, the surest first. */
  readonly findings: readonly Finding[]
  /** Removes what an interrupted run would go on from; called once the result is safe. */
  forget(): Promise<void>
}

/** Throws `usage_invalid` for a backbone in 8 bit, and what `tune` throws. */
export async function tryTuned(
  request: TuneRequest,
  frozen: Attempt,
  context: TrainContext,
): Promise<TunedAttempt> {
  const { prepared, grouped, sides } = frozen
  refuseRounded(frozen.backbone)
  const planned = planTuneSides(prepared.photos, grouped.groups, sides, request.seed)
  const lacking = lackingLabels(frozen, planned)
  if (lacking !== undefined) {
    context.onEvent?.({ stage: 'tuned', divergedAt: undefined, refusal: lacking })
    const outcome = { refusal: lacking, tuning: undefined }
    return { outcome, findings: [], forget: async () => {} }
  }
  const { findings, rows } = await findDoubted(frozen, request.seed, context)
  const tuneSides = withoutDoubted(planned, prepared.labelIds, rows)
  const start = await startFrom(request, frozen, tuneSides, context)
  const folder = join(tuningsFolder(context.home), keyOf(request, frozen, tuneSides))
  await createFolder(tuningsFolder(context.home))
  const lock = `${folder}.lock`
  const outcome = await withLock(
    lock,
    (signal) => tuneFrom({ ...start, tuneSides, folder }, request, frozen, { ...context, signal }),
    { signal: context.signal, onWait: () => context.onEvent?.({ stage: 'tuning-waits' }) },
  )
  // Another process may be reading it, to take the same result.
  return { outcome, findings, forget: () => withLock(lock, () => removeCheckpoint(folder)) }
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

interface Place extends Start {
  readonly tuneSides: TuneSides
  /** Takes checkpoints. */
  readonly folder: string
}

async function tuneFrom(
  { head, baseline, tuneSides, folder }: Place,
  { budget, seed }: TuneRequest,
  frozen: Attempt,
  context: TrainContext,
): Promise<TuneOutcome> {
  const { backbone, views, prepared, sides } = frozen
  const { home, onEvent = () => {} } = context
  const { photos, labels, labelIds } = prepared
  const { learn, validation } = tuneSides
  const looks = planLooks(tuneSides, sides.measured, labelIds)
  const { kept, fault } = await findCheckpoint(folder)
  const plan: ChoicePlan = {
    ...{ backbone, head, views, photos, labelIds, learn, validation, seed, budget },
    ...{ classes: labels.length, lookedAt: looks.rows.length },
    weights: await readBackboneWeights(backbone),
    observed: await observeFrozen(
      {
        backbone,
        size: sideOf(backbone, views),
        photos: learn.flatMap((row) => photos[row] ?? []),
      },
      context,
    ),
  }
  const choice = kept?.progress.choice ?? (await chooseSettings(plan, context))
  if ('neededMs' in choice) {
    const refusal = tellTooLittle(choice, learn.length)
    onEvent({ stage: 'tuned', divergedAt: undefined, refusal })
    return { refusal, tuning: undefined }
  }
  const untilMs =
    budget === undefined
      ? Number.POSITIVE_INFINITY
      : budget.startMs + budget.ms - (choice.budget?.tailMs ?? 0)
  const tuned = await tune({ ...plan, choice, baseline, folder, kept, fault, untilMs }, context)
  const { best, divergedAt } = tuned
  const tuning = describeTuning(tuned, backbone.id, tuneSides, baseline)
  if (best === undefined) {
    const refusal = tellRefusal(tuned, baseline, validation.length)
    onEvent({ stage: 'tuned', divergedAt, refusal })
    return { refusal, tuning }
  }
  const tunedBackbone = await keepTuned(home, backbone, tuned.settings, best.candidate)
  onEvent({ stage: 'tuned', divergedAt, refusal: undefined })
  const { head: tunedHead } = best.candidate
  const lookThrough = (through: Backbone) =>
    lookAgain(
      { frozen, looks, seed, sides: tuneSides, backbone: through, head: tunedHead },
      context,
    )
  const attempt = await lookThrough(tunedBackbone)
  return { attempt, tuning, choice: describeChoice(choice), lookThrough }
}

async function findCheckpoint(
  folder: string,
): Promise<{ readonly kept?: TuneCheckpoint; readonly fault: string | undefined }> {
  const found = await readCheckpoint<TuneCheckpoint['progress']>(folder)
  if (found === undefined) return { fault: undefined }
  return 'fault' in found ? found : { kept: found, fault: undefined }
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
  return { head, baseline: judgeSmoothed(truth, frozenLogits, classes) }
}

function refuseRounded({ id, quantization }: Backbone): void {
  if (quantization === undefined) return
  throw new VergerError(
    'usage_invalid',
    `Expected a backbone in float32 to fine-tune, received ${id}`,
    { hint: `Take ${quantization.from}.` },
  )
}

/** Names what was asked for: another run with the same key goes on where this one stops, with what it has chosen. */
const keyOf = (
  { seed, budget }: TuneRequest,
  { backbone, views, prepared, sides }: Attempt,
  { learn }: TuneSides,
): string =>
  sha256(
    Buffer.from(
      JSON.stringify({
        format: 2,
        recipe: defaultSettings(backbone, views, learn.length),
        dataset: manifestId(prepared.readable),
        ...{ seed, views, budgetMs: budget?.ms },
        weights: backbone.weights.sha256,
        measured: sides.measured,
      }),
    ),
  ).slice(0, 32)
