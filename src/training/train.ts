/** Dataset → features → head → bundle, with its report. */
import type { Backbone } from '../backbones/catalog.ts'
import type { BundleManifest } from '../bundles/bundle-manifest.ts'
import type { BundleFiles } from '../bundles/verify-bundle.ts'
import { compareCodePoints } from '../datasets/code-point-order.ts'
import type { Finding } from '../datasets/findings.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import { checkSide, takesSide } from '../features/check-side.ts'
import { describeViews, VIEW_SETS, type ViewSet, viewsOf } from '../features/views.ts'
import type { HeadSetting } from '../learn/head-setting.ts'
import { accuracyOf } from '../learn/metrics.ts'
import { type Attempt, type AttemptPlan, tryViews } from './attempt.ts'
import { buildEvaluation, type OtherAnswers } from './build-evaluation.ts'
import { chooseMode, type ModeDecision, type TrainMode } from './choose-mode.ts'
import { chooseSide, sizeFor } from './choose-side.ts'
import { type EncodedAttempt, encodeAttempt } from './encode-attempt.ts'
import { previewTuning } from './fine-tune/preview-tuning.ts'
import { tellDoubts } from './fine-tune/tell-tuned.ts'
import { tryTuned } from './fine-tune/try-tuned.ts'
import { learnedSide } from './fine-tune/tune-settings.ts'
import type { PreparedDataset } from './prepare-dataset.ts'
import { renderReport } from './render-report.ts'
import type { EvaluationReport, PreviewReport, TuningReport } from './report.ts'
import type { TrainContext } from './train-context.ts'
import { tryRounded } from './try-rounded.ts'

/** `auto` takes the set of views that does best in cross-validation. */
export const VIEW_CHOICES = [...VIEW_SETS, 'auto'] as const
export type ViewChoice = (typeof VIEW_CHOICES)[number]

export const PRECISIONS = ['float32', 'int8'] as const
export type Precision = (typeof PRECISIONS)[number]

export interface TrainPlan {
  readonly dataset: ScannedDataset
  /** Photos beside those of the dataset, e.g. corrected ones. */
  readonly extra: readonly ScannedPhoto[]
  readonly backbone: Backbone
  readonly mode: TrainMode
  /** For the whole command from `startMs` on, by `performance.now()`; undefined where it may take as long as it takes. */
  readonly timeBudgetMs: number | undefined
  readonly startMs: number
  readonly views: ViewChoice
  /** Side of the photo in the network; by default it depends on the photos. */
  readonly size: number | undefined
  /** `int8` takes a backbone in 8 bit where it keeps what it sees and is faster here. */
  readonly precision: Precision
  readonly seed: number
}

export interface Trained {
  /** The bundle and its report. */
  readonly files: BundleFiles
  readonly bundle: string
  readonly manifest: BundleManifest
  readonly report: EvaluationReport
  /** What photos divided by chance would have said; undefined where that is not known. */
  readonly accuracyByChance: number | undefined
  readonly findings: readonly Finding[]
  /** The photos that make up the dataset version. */
  readonly prepared: PreparedDataset
  /** Removes what an interrupted run would go on from; called once the bundle is safe. */
  forget(): Promise<void>
  readonly mode: TakenMode
}

/** What was asked for, what came of it, and why. */
export interface TakenMode {
  readonly asked: TrainMode
  readonly taken: ModeDecision['mode']
  /** Of `auto`, or of a fine-tuning that was no better; undefined where what was asked for was taken. */
  readonly reason: string | undefined
}

/** A costlier set of views must lower the held-out loss by this share to be taken. */
const WORTH = 0.98
/** Trains a classifier. Throws `dataset_untrainable`, `disk_full`, `write_failed` or an error of the backbone. */
export async function train(plan: TrainPlan, context: TrainContext): Promise<Trained> {
  const photos = allPhotos(plan)
  const { network } = plan.backbone
  const decision = decideMode(plan)
  context.onEvent?.({ stage: 'mode', decision })
  const size = plan.size ?? chooseSide(photos, plan.backbone, decision, context.workers)
  const isTaken = (set: ViewSet) =>
    viewsOf(set, size).every((view) => takesSide(network, view.size))
  const sets: readonly ViewSet[] = plan.views === 'auto' ? VIEW_SETS.filter(isTaken) : [plan.views]
  for (const set of sets) for (const view of viewsOf(set, size)) checkSide(network, view.size)
  const shared: AttemptPlan = { dataset: plan.dataset, photos, seed: plan.seed }
  let best: Attempt | undefined
  for (const set of sets) {
    const attempt = await tryViews(shared, plan.backbone, viewsOf(set, size), context)
    if (best === undefined || attempt.fit.chosen.loss < best.fit.chosen.loss * WORTH) best = attempt
  }
  if (best === undefined) throw new RangeError('Expected a set of views')
  const learn = decision.mode === 'fine-tune' ? fineTune : asItIs
  const learned = await learn({ ...plan, ...shared, decision }, best, context)
  return finish(
    plan,
    plan.precision === 'float32' ? learned : await round(shared, learned, context),
    context,
  )
}

/** What `mode` comes to for these photos. */
export const decideMode = (
  plan: Pick<TrainPlan, 'mode' | 'timeBudgetMs' | 'dataset' | 'extra' | 'backbone'>,
): ModeDecision =>
  chooseMode({
    asked: plan.mode,
    budgetMs: plan.timeBudgetMs,
    photos: allPhotos(plan),
    isRounded: plan.backbone.quantization !== undefined,
  })

/** With what was decided. */
interface LearnRequest extends AttemptPlan, Pick<TrainPlan, 'mode' | 'startMs'> {
  readonly decision: ModeDecision
}

/** An attempt, and what is said and done about it afterwards. */
interface Learned {
  readonly attempt: Attempt
  readonly notes: readonly string[]
  /** What the report compares it with. */
  readonly beside?: Beside
  readonly tuning?: TuningReport | undefined
  /** What was found out about photos on the way. */
  readonly findings?: readonly Finding[]
  /** The attempt again with another backbone. */
  lookThrough(backbone: Backbone): Promise<Attempt>
  forget(): Promise<void>
  readonly mode: TakenMode
}

const asItIs = async (
  { mode, decision, ...shared }: LearnRequest,
  attempt: Attempt,
  context: TrainContext,
): Promise<Learned> => ({
  attempt,
  notes: decision.reason === undefined ? [] : [`Features stay frozen: ${decision.reason}.`],
  mode: { asked: mode, taken: 'frozen', reason: decision.reason },
  lookThrough: (backbone) => tryViews(shared, backbone, attempt.views, context, attempt),
  forget: async () => {},
})

const allPhotos = ({ dataset, extra }: Pick<TrainPlan, 'dataset' | 'extra'>): ScannedPhoto[] =>
  [...dataset.photos, ...extra].sort((a, b) => compareCodePoints(a.path, b.path))

/** Shows what a fine-tuning of the plan would learn from. Throws like `previewTuning`, and for a side as `train` does. */
export async function previewTraining(
  plan: TrainPlan,
  context: TrainContext,
): Promise<PreviewReport> {
  const photos = allPhotos(plan)
  const { backbone, dataset, seed } = plan
  const set = plan.views === 'auto' ? 'plain' : plan.views
  const [view] = viewsOf(set, plan.size ?? sizeFor(photos, backbone))
  const size = view?.size ?? backbone.network.input.size
  checkSide(backbone.network, size)
  const learned = learnedSide(backbone.network, size)
  return previewTuning({ name: dataset.name, photos, backbone, size: learned, seed }, context)
}

async function fineTune(
  request: LearnRequest,
  frozen: Attempt,
  context: TrainContext,
): Promise<Learned> {
  const { mode: asked, startMs } = request
  const { budgetMs: ms, reason } = request.decision
  const budget = ms === undefined ? undefined : { ms, startMs }
  const { outcome, findings, forget } = await tryTuned({ ...request, budget }, frozen, context)
  const { tuning } = outcome
  const doubts = findings.length === 0 ? [] : [tellDoubts(findings)]
  const why = reason === undefined ? [] : [`Fine-tuning was chosen: ${reason}.`]
  if ('refusal' in outcome) {
    return {
      ...(await asItIs(request, frozen, context)),
      notes: [...why, `Not fine-tuned: ${outcome.refusal}.`, ...doubts],
      mode: { asked, taken: 'frozen', reason: outcome.refusal },
      ...{ tuning, findings, forget },
    }
  }
  const { choice } = outcome
  return {
    ...outcome,
    notes: [
      ...why,
      ...(choice === undefined ? [] : [`Chosen for the time budget: ${choice}.`]),
      ...doubts,
    ],
    findings,
    mode: { asked, taken: 'fine-tune', reason },
    beside: { name: 'frozen features', attempt: frozen },
    forget,
  }
}

/** The same with its backbone in 8 bit, where that serves. */
async function round(
  shared: AttemptPlan,
  learned: Learned,
  context: TrainContext,
): Promise<Learned> {
  const { attempt, notes, beside, lookThrough } = learned
  const rounded = await tryRounded(shared, attempt, lookThrough, context)
  if ('refusal' in rounded) {
    return {
      ...learned,
      notes: [...notes, `Computed in float32, not in 8 bit: ${rounded.refusal}.`],
    }
  }
  const figures = `Of the measured photos it has ${percent(shareRight(rounded.attempt))} right, in float32 ${percent(shareRight(attempt))}.`
  return {
    ...learned,
    attempt: rounded.attempt,
    notes: [...notes, rounded.note, ...(beside === undefined ? [] : [figures])],
    beside: beside ?? { name: 'the same in float32', attempt },
  }
}

/** Another attempt on the same photos, and what the report calls it. */
interface Beside {
  readonly name: string
  readonly attempt: Attempt
}

async function finish(
  { dataset, seed }: TrainPlan,
  { attempt, notes, beside, tuning, findings = [], forget, mode }: Learned,
  context: TrainContext,
): Promise<Trained> {
  const { views, prepared, sides, fit } = attempt
  const { labels, labelIds } = prepared
  const { chosen } = fit
  const { files, bundle, manifest } = await encodeAttempt(attempt, seed, context)
  const other =
    beside === undefined
      ? undefined
      : answersOf(beside, await encodeAttempt(beside.attempt, seed, context), truthOf(attempt))
  const report = await buildEvaluation({
    model: {
      name: bundle.slice(0, 12),
      bundle,
      backbone: attempt.backbone.id,
      views: describeViews(views),
    },
    dataset: {
      name: dataset.name,
      id: manifest.training.dataset,
      photos: sides.measured.length,
      choice: sides.choice,
      cautions: sides.cautions,
    },
    labels,
    photos: sides.measured.map((row) => {
      const { path = '', load = '' } = prepared.photos[row] ?? {}
      return { path, load, actual: labelIds[row] ?? -1 }
    }),
    logits: fit.measuredLogits,
    distances: fit.measuredDistances,
    head: fit.measuredThresholds,
    ...(other === undefined ? {} : { other }),
    training: {
      photos: sides.final.length,
      seed,
      scaling: describeScaling(chosen),
      l2: chosen.l2,
      // A setting that nothing could be held out for has no loss.
      tried: fit.trials
        .filter(({ loss }) => Number.isFinite(loss))
        .map((trial) => {
          const { l2, accuracy, loss } = trial
          return { scaling: describeScaling(trial), l2, accuracy, loss }
        }),
      notes: [
        ...notes,
        ...sides.notes,
        ...(Number.isFinite(chosen.loss) && fit.accuracyByChance !== undefined
          ? [
              `With folds divided by chance the same settings reach ${percent(fit.accuracyByChance)}, with look-alikes in one fold ${percent(chosen.accuracy)}: new surroundings are nearer to the second figure.`,
            ]
          : []),
        ...(sides.final.length === sides.train.length
          ? []
          : [
              'The figures are those of a model trained without the measured photos; the bundle was then trained with them too.',
            ]),
      ],
      ...(tuning === undefined ? {} : { tuning }),
    },
  })
  const withReport = new Map(files)
  withReport.set('report.json', Buffer.from(`${JSON.stringify(report)}\n`))
  withReport.set('report.html', Buffer.from(renderReport(report)))
  withReport.set(
    'created.json',
    Buffer.from(
      `${JSON.stringify({ createdAt: report.createdAt, dataset: dataset.source, verger: report.vergerVersion }, null, 2)}\n`,
    ),
  )
  return {
    files: withReport,
    bundle,
    manifest: { ...manifest, files: {} },
    report,
    accuracyByChance: fit.accuracyByChance,
    findings: [...prepared.findings, ...findings],
    prepared,
    forget,
    mode,
  }
}

const describeScaling = ({ method, scaling }: HeadSetting): string =>
  method === 'nearest centroids' ? `${scaling}, nearest centroids` : scaling

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** Labels of the measured photos. */
const truthOf = ({ prepared, sides }: Attempt): Int32Array =>
  Int32Array.from(sides.measured, (row) => prepared.labelIds[row] ?? -1)

const shareRight = (attempt: Attempt): number =>
  accuracyOf(attempt.fit.measuredLogits, attempt.prepared.labels.length, truthOf(attempt))

/** What another attempt says of the photos that both were measured with. */
const answersOf = (
  { name, attempt: { backbone, views, prepared, fit } }: Beside,
  { bundle }: EncodedAttempt,
  actual: Int32Array,
): OtherAnswers => ({
  model: { name, bundle, backbone: backbone.id, views: describeViews(views) },
  labels: prepared.labels,
  actual,
  logits: fit.measuredLogits,
  distances: fit.measuredDistances,
  head: fit.measuredThresholds,
})
