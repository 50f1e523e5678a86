/** Trains, says what happens on the way, and puts the bundle where it was asked for. */
import { resolve } from 'node:path'
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { writeBundleFolder } from '../bundles/encode-bundle.ts'
import { bundleId, readBundleFolder } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import { countLabels } from '../datasets/label-counts.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { saveDatasetVersion } from '../datasets/versions.ts'
import { describeViews } from '../features/views.ts'
import { parseVersionPath } from '../registry/names.ts'
import { createRegistry, type Version } from '../registry/registry.ts'
import { openStore } from '../store/store.ts'
import type { TrainingPhoto } from '../training/prepare-dataset.ts'
import { type TrainEvent, type Trained, train, type ViewChoice } from '../training/train.ts'
import type { CommandContext } from './context.ts'
import { loadCorrections } from './load-corrections.ts'
import { printJson } from './print-json.ts'
import { formatCount, formatDuration, ProgressLine, plural } from './render.ts'
import { renderFindings, renderLabels, shortId } from './render-dataset.ts'
import { renderEvaluation } from './render-evaluation.ts'
import { scanWithProgress } from './scan-with-progress.ts'
import { StepLine } from './step-line.ts'

export interface RunTrainPlan {
  readonly dataset: string
  readonly glob: string | undefined
  readonly backbone: string | undefined
  readonly views: ViewChoice
  readonly size: number | undefined
  readonly seed: number
  readonly out: string | undefined
  /** `model` or `model/version`. */
  readonly register: string | undefined
  readonly setDefault: boolean
  readonly corrections: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

/** Where a trained bundle went. */
interface Kept {
  readonly version: Version | undefined
  readonly isDefault: boolean
  readonly folder: string | undefined
}

export async function runTrain(context: CommandContext, plan: RunTrainPlan): Promise<void> {
  const { config, stdout, stderr } = context
  const backbone = findBackbone(plan.backbone ?? DEFAULT_BACKBONE)
  const target = plan.register === undefined ? undefined : parseVersionPath(plan.register)
  refuseDefaultWithoutName(plan)
  const startMs = performance.now()
  const store = await openStore(config.home)
  try {
    const registry = createRegistry(store)
    const say = (text: string) => void (plan.json ? stderr : stdout).write(text)
    const { dataset } = await scanWithProgress(context, {
      dataset: plan.dataset,
      glob: plan.glob,
      headersOnly: true,
    })
    const extra =
      target !== undefined && plan.corrections ? await loadCorrections(store, target.model) : []
    say(describeDataset(context, dataset, extra, target?.model))
    if (plan.dryRun) return

    const trained = await train(
      {
        dataset,
        extra,
        backbone,
        views: plan.views,
        size: plan.size,
        seed: plan.seed,
      },
      {
        home: config.home,
        workers: config.workers,
        limits: config.limits,
        onEvent: createNarrator(context, say),
      },
    )
    const sizeBytes = trained.prepared.readable.reduce((sum, photo) => sum + photo.sizeBytes, 0)
    await saveDatasetVersion(store, {
      name: dataset.name,
      source: dataset.source,
      root: dataset.root,
      photos: trained.prepared.readable,
      sizeBytes,
    })
    let version: Version | undefined
    if (target !== undefined) {
      version = await registry.register({
        ...target,
        files: trained.files,
        setDefault: plan.setDefault,
        why: `trained on ${dataset.name}`,
      })
    }
    const folder = await keepFolder(context, plan, trained)
    const isDefault =
      version !== undefined && (await registry.resolveVersion(version.model)).name === version.name
    const kept: Kept = { version, isDefault, folder }
    const elapsedMs = performance.now() - startMs
    if (plan.json) printJson(context, toJson(trained, kept, elapsedMs))
    else say(describeResult(context, trained, kept, elapsedMs))
  } finally {
    await store.close()
  }
}

function refuseDefaultWithoutName({ setDefault, register }: RunTrainPlan): void {
  if (!setDefault || register !== undefined) return
  throw new VergerError(
    'usage_invalid',
    'Expected --register beside --set-default, received none',
    {
      hint: 'verger train DATASET --register fruits/v1 --set-default',
    },
  )
}

function describeDataset(
  { stdout }: CommandContext,
  dataset: ScannedDataset,
  extra: readonly TrainingPhoto[],
  model: string | undefined,
): string {
  const counts = countLabels(dataset.photos)
  const findings = renderFindings(stdout, dataset.findings)
  const corrected =
    extra.length === 0 ? '' : `With ${plural(extra.length, 'photo')} corrected for ${model}\n`
  return (
    `Found ${plural(counts.length, 'label')} in ${dataset.name}: ${plural(dataset.photos.length, 'photo')}\n` +
    `${renderLabels(stdout, counts)}${corrected}${findings === '' ? '' : `\n${findings}`}\n`
  )
}

/** Says what happens: a line for each stage, and under it a line that moves while the work lasts. */
function createNarrator(
  { stderr }: CommandContext,
  say: (text: string) => void,
): (event: TrainEvent) => void {
  let photos: ProgressLine | undefined
  let steps: StepLine | undefined
  return (event) => {
    switch (event.stage) {
      case 'features':
        steps?.clear()
        steps = undefined
        say(`Looking at each photo at ${describeViews(event.views)}\n`)
        photos = new ProgressLine(stderr, 'photo', event.photos)
        return
      case 'photo':
        photos?.add()
        return
      case 'featurized': {
        const { done, elapsedMs } = photos?.finish() ?? { done: 0, elapsedMs: 1 }
        const rate = formatCount(Math.round(done / (elapsedMs / 1000)))
        const known = event.reused === 0 ? '' : `, ${formatCount(event.reused)} of them known`
        const damaged =
          event.damaged === 0 ? '' : `, ${plural(event.damaged, 'damaged entry')} made anew`
        say(
          `  ${plural(done, 'photo')} in ${formatDuration(elapsedMs)} (${rate}/s)${known}${damaged}\n`,
        )
        steps = new StepLine(stderr, 'Looking for look-alikes')
        return
      }
      case 'sides': {
        steps?.clear()
        const { train: learned, measured, choice, notes, cautions } = event.sides
        say(
          `Learning from ${formatCount(learned.length)}, measuring with ${formatCount(measured.length)}: ${choice}\n`,
        )
        for (const note of [...cautions, ...notes]) say(`  ${note}\n`)
        steps = new StepLine(stderr, 'Training')
        return
      }
      case 'step':
        steps?.step(
          event.trial === undefined
            ? undefined
            : `${event.trial.scaling} scaling, L2 ${event.trial.l2}: ${(100 * event.trial.accuracy).toFixed(1)} % on held-out look-alikes`,
        )
        return
    }
  }
}

/** Writes the bundle to `--out`, or below the home where it has no other place. */
async function keepFolder(
  { config, cwd }: CommandContext,
  { out, register }: RunTrainPlan,
  { files, bundle }: Trained,
): Promise<string | undefined> {
  if (out === undefined && register !== undefined) return undefined
  const folder =
    out === undefined ? resolve(config.home, 'bundles', shortId(bundle)) : resolve(cwd, out)
  const known = await readBundleFolder(folder).then(bundleId, () => undefined)
  if (known !== bundle) await writeBundleFolder(files, folder)
  return folder
}

function describeResult(
  context: CommandContext,
  { report, bundle, accuracyByChance }: Trained,
  { version, isDefault, folder }: Kept,
  elapsedMs: number,
): string {
  const named = version === undefined ? undefined : `${version.model}/${version.name}`
  const lines = [
    `\n${renderEvaluation(context.stdout, report, accuracyByChance)}\n`,
    `Bundle ${shortId(bundle)} in ${formatDuration(elapsedMs)}`,
  ]
  if (named !== undefined) {
    lines.push(`Registered as ${named}${isDefault ? `, the default of ${version?.model}` : ''}`)
    lines.push(`  verger predict PHOTO --model ${version?.model}`)
    lines.push(`  verger versions report ${named}   opens what it gets wrong`)
  }
  if (folder !== undefined) {
    lines.push(`Written to ${folder}`, `  report ${resolve(folder, 'report.html')}`)
    if (named === undefined) lines.push(`  verger predict PHOTO --bundle ${folder}`)
  }
  return `${lines.join('\n')}\n`
}

function toJson(
  { report, bundle, manifest, accuracyByChance, findings }: Trained,
  { version, isDefault, folder }: Kept,
  elapsedMs: number,
) {
  const { accuracy, macroF1, topK, calibration, decisions, dataset } = report
  return {
    bundle,
    model: version?.model ?? null,
    version: version?.name ?? null,
    isDefault,
    folder: folder ?? null,
    labels: manifest.labels,
    dataset,
    settings: { ...manifest.head, ...manifest.training, views: manifest.backbone.views },
    accuracy,
    accuracyByChance,
    macroF1,
    topK,
    calibrationError: { before: calibration.eceBefore, after: calibration.eceAfter },
    decisions,
    findings,
    elapsedMs: Math.round(elapsedMs),
  }
}
