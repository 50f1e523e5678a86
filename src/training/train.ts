/** Dataset → features → head → bundle, with its report. */
import { join } from 'node:path'
import type { Backbone } from '../backbones/catalog.ts'
import type { BundleManifest } from '../bundles/bundle-manifest.ts'
import { encodeBundle } from '../bundles/encode-bundle.ts'
import { type BundleFiles, bundleId } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import { compareCodePoints } from '../datasets/code-point-order.ts'
import type { Finding } from '../datasets/findings.ts'
import { manifestId } from '../datasets/manifest.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { checkSide, takesSide } from '../features/check-side.ts'
import { type FeaturizeContext, featurizePhotos, meanOf } from '../features/featurize-photos.ts'
import { openFeaturizer } from '../features/featurizer.ts'
import { describeViews, VIEW_SETS, type View, type ViewSet, viewsOf } from '../features/views.ts'
import { preprocessingHash } from '../images/preprocessing-hash.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'
import type { Trial } from '../learn/head-setting.ts'
import { compute } from '../tensor/compute-thread.ts'
import { buildEvaluation } from './build-evaluation.ts'
import type {
  ComputeReport,
  ComputeTask,
  FitResult,
  FitTask,
  GroupResult,
  GroupTask,
} from './fit-task.ts'
import { numberGroups } from './number-groups.ts'
import { planSides, type Sides } from './plan-sides.ts'
import { type PreparedDataset, prepareDataset, type TrainingPhoto } from './prepare-dataset.ts'
import { renderReport } from './render-report.ts'
import type { EvaluationReport } from './report.ts'

/** `auto` takes the set of views that does best in cross-validation. */
export const VIEW_CHOICES = [...VIEW_SETS, 'auto'] as const
export type ViewChoice = (typeof VIEW_CHOICES)[number]

export interface TrainPlan {
  readonly dataset: ScannedDataset
  /** Photos beside those of the dataset, e.g. corrected ones. */
  readonly extra: readonly TrainingPhoto[]
  readonly backbone: Backbone
  readonly views: ViewChoice
  /** Side of the photo in the network; by default it depends on the photos. */
  readonly size: number | undefined
  readonly seed: number
}

/** What happens, in the order in which it happens. */
export type TrainEvent =
  | { readonly stage: 'features'; readonly views: readonly View[]; readonly photos: number }
  | { readonly stage: 'photo' }
  | {
      readonly stage: 'featurized'
      readonly computed: number
      readonly reused: number
      readonly damaged: number
    }
  | { readonly stage: 'sides'; readonly prepared: PreparedDataset; readonly sides: Sides }
  | { readonly stage: 'step'; readonly trial: Trial | undefined }

export interface TrainContext extends Omit<FeaturizeContext, 'onProgress'> {
  onEvent?(event: TrainEvent): void
}

export interface Trained {
  /** The bundle and its report. */
  readonly files: BundleFiles
  readonly bundle: string
  readonly manifest: BundleManifest
  readonly report: EvaluationReport
  readonly accuracyByChance: number
  readonly findings: readonly Finding[]
  /** The photos that make up the dataset version. */
  readonly prepared: PreparedDataset
}

/** Answers that a bundle remembers. */
const GOLDEN_ROWS = 8
/** Photos whose smaller side is at least this are looked at more closely than the network was made for, which pays. */
const LARGE_SIDE = 256
const LARGE_VIEW = 288
/** A costlier set of views must lower the held-out loss by this share to be taken. */
const WORTH = 0.98

/** Trains a classifier. Throws `dataset_untrainable`, `disk_full`, `write_failed` or an error of the backbone. */
export async function train(plan: TrainPlan, context: TrainContext): Promise<Trained> {
  const photos: TrainingPhoto[] = [
    ...plan.dataset.photos.map((photo) => ({
      ...photo,
      load: join(plan.dataset.root, photo.path),
    })),
    ...plan.extra,
  ].sort((a, b) => compareCodePoints(a.path, b.path))
  const { network } = plan.backbone
  const size = plan.size ?? sizeFor(photos, plan.backbone)
  const isTaken = (set: ViewSet) =>
    viewsOf(set, size).every((view) => takesSide(network, view.size))
  const sets: readonly ViewSet[] = plan.views === 'auto' ? VIEW_SETS.filter(isTaken) : [plan.views]
  for (const set of sets) for (const view of viewsOf(set, size)) checkSide(network, view.size)
  let best: Attempt | undefined
  for (const set of sets) {
    const attempt = await tryViews(plan, photos, viewsOf(set, size), context)
    if (best === undefined || attempt.fit.chosen.loss < best.fit.chosen.loss * WORTH) best = attempt
  }
  if (best === undefined) throw new RangeError('Expected a set of views')
  return finish(plan, best, context)
}

/** The network's own side, or a larger one where the photos have more to show and the network takes it. */
export function sizeFor(photos: readonly TrainingPhoto[], backbone: Backbone): number {
  const sides = photos.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b)
  const median = sides[Math.floor(sides.length / 2)] ?? 0
  const own = backbone.network.input.size
  return median >= LARGE_SIDE && takesSide(backbone.network, LARGE_VIEW)
    ? Math.max(own, LARGE_VIEW)
    : own
}

interface Attempt {
  readonly views: readonly View[]
  readonly prepared: PreparedDataset
  readonly sides: Sides
  readonly fit: FitResult
}

async function tryViews(
  { dataset, backbone, seed }: TrainPlan,
  photos: readonly TrainingPhoto[],
  views: readonly View[],
  context: TrainContext,
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
  const run = <Result>(task: ComputeTask) =>
    compute<ComputeTask, Result, ComputeReport>(FIT_WORKER, task, {
      onReport: ({ trial }) => onEvent({ stage: 'step', trial }),
      ...(signal === undefined ? {} : { signal }),
    })
  const grouped = await run<GroupResult>({
    kind: 'group',
    ...rows,
    named: numberGroups(prepared.photos),
  } satisfies GroupTask)
  const sides = planSides(prepared.photos, grouped, seed)
  refuseOneSided(prepared, sides)
  onEvent({ stage: 'sides', prepared, sides })
  const fit = await run<FitResult>({
    kind: 'fit',
    ...rows,
    groups: grouped.groups,
    train: sides.train,
    measured: sides.measured,
    final: sides.final,
  } satisfies FitTask)
  return { views, prepared, sides, fit }
}

const FIT_WORKER = new URL('./fit-worker.js', import.meta.url)

function refuseOneSided({ labels, labelIds }: PreparedDataset, { train, measured }: Sides): void {
  const learned = new Set(train.map((row) => labelIds[row]))
  if (learned.size >= 2 && measured.length > 0) return
  throw new VergerError(
    'dataset_untrainable',
    `Expected at least two labels to learn and photos to measure with, received ${learned.size} of ${labels.length} labels on the training side and ${measured.length} photos to measure`,
    { hint: 'Check the split column of the manifest, or add photos.' },
  )
}

async function finish(
  plan: TrainPlan,
  { views, prepared, sides, fit }: Attempt,
  context: TrainContext,
): Promise<Trained> {
  const { backbone, seed, dataset } = plan
  const { labels, labelIds, features, width } = prepared
  const { chosen } = fit
  const datasetId = manifestId(prepared.readable)
  const perLabel = new Array<number>(labels.length).fill(0)
  for (const row of sides.final) {
    const label = labelIds[row] ?? 0
    perLabel[label] = (perLabel[label] ?? 0) + 1
  }
  const manifest: Omit<BundleManifest, 'files'> = {
    format: 1,
    backbone: {
      id: backbone.id,
      sha256: backbone.weights.sha256,
      preprocessing: preprocessingHash(backbone.network.input),
      views,
      features: width,
      licence: backbone.weights.licence,
    },
    labels,
    head: { scaling: chosen.scaling, ...fit.thresholds },
    training: {
      dataset: datasetId,
      photos: sides.final.length,
      photosPerLabel: perLabel,
      seed,
      l2: chosen.l2,
    },
  }
  const step = Math.max(1, Math.floor(sides.final.length / GOLDEN_ROWS))
  const goldenRows = sides.final.filter((_, index) => index % step === 0).slice(0, GOLDEN_ROWS)
  const golden = new Float32Array(goldenRows.length * width)
  for (const [to, row] of goldenRows.entries()) {
    golden.set(features.subarray(row * width, (row + 1) * width), to * width)
  }
  const files = encodeBundle({
    manifest,
    head: fit.head,
    rejection: fit.rejection,
    golden: { features: golden, probe: await probeFeatures(plan, views, width, context) },
  })
  const bundle = bundleId(files)
  const report = await buildEvaluation({
    model: {
      name: bundle.slice(0, 12),
      bundle,
      backbone: backbone.id,
      views: describeViews(views),
    },
    dataset: {
      name: dataset.name,
      id: datasetId,
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
    training: {
      photos: sides.final.length,
      seed,
      scaling: chosen.scaling,
      l2: chosen.l2,
      // A setting that nothing could be held out for has no loss.
      tried: fit.trials
        .filter(({ loss }) => Number.isFinite(loss))
        .map(({ method, scaling, l2, accuracy, loss }) => ({
          scaling: method === 'nearest centroids' ? `${scaling}, nearest centroids` : scaling,
          l2,
          accuracy,
          loss,
        })),
      notes: [
        ...sides.notes,
        ...(Number.isFinite(chosen.loss)
          ? [
              `By chance-divided folds the same settings reach ${percent(fit.accuracyByChance)}, by folds of look-alikes ${percent(chosen.accuracy)}: new surroundings are nearer to the second figure.`,
            ]
          : []),
        ...(sides.final.length === sides.train.length
          ? []
          : [
              'The figures are those of a model trained without the measured photos; the bundle was then trained with them too.',
            ]),
      ],
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
    findings: prepared.findings,
    prepared,
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

async function probeFeatures(
  { backbone }: TrainPlan,
  views: readonly View[],
  width: number,
  { limits, signal }: TrainContext,
): Promise<Float32Array> {
  const featurizer = openFeaturizer({ backbone, workers: 1, limits })
  try {
    const outputs = await featurizer.run(PROBE_SCENE, ['features'], { views, signal })
    return meanOf(
      outputs.map((output) => output['features'] ?? new Float32Array()),
      width,
    )
  } finally {
    await featurizer.close()
  }
}
