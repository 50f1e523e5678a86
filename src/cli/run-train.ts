/** Trains, says what happens on the way, and puts the bundle where it was asked for. */
import { join, resolve } from 'node:path'
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { formatDuration } from '../core/durations.ts'
import { VergerError } from '../core/errors.ts'
import { countLabels } from '../datasets/label-counts.ts'
import type { ScannedDataset, ScannedPhoto } from '../datasets/scan.ts'
import { findInnerBackbone } from '../features/inner-backbone.ts'
import { parseVersionPath } from '../registry/names.ts'
import { openStore } from '../store/store.ts'
import type { ModeDecision, TrainMode } from '../training/choose-mode.ts'
import type { Sides } from '../training/plan-sides.ts'
import { requireTrainable } from '../training/prepare-dataset.ts'
import {
  decideMode,
  type Precision,
  previewTraining,
  type Trained,
  train,
  type ViewChoice,
} from '../training/train.ts'
import type { TrainEvent } from '../training/train-context.ts'
import type { CommandContext } from './context.ts'
import { createFeatureNarrator } from './feature-narrator.ts'
import { type Kept, keepBundle, refuseOccupied } from './keep-bundle.ts'
import { loadCorrections } from './load-corrections.ts'
import { onInterrupt } from './on-interrupt.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatCount, plural } from './render.ts'
import { renderFindings, renderLabels, shortId } from './render-dataset.ts'
import { renderEvaluation } from './render-evaluation.ts'
import { renderQuantization } from './render-quantization.ts'
import { scanWithProgress } from './scan-with-progress.ts'
import { StepLine } from './step-line.ts'
import { createTuningNarrator } from './tuning-narrator.ts'
import { writePreview } from './write-preview.ts'

export interface RunTrainPlan {
  readonly dataset: string
  readonly glob: string | undefined
  readonly backbone: string | undefined
  /** Layer inside the backbone that gives the features. */
  readonly features: string | undefined
  readonly mode: TrainMode
  /** For the whole command. */
  readonly timeBudgetMs: number | undefined
  readonly views: ViewChoice
  readonly size: number | undefined
  readonly precision: Precision
  readonly seed: number
  readonly out: string | undefined
  /** `model` or `model/version`. */
  readonly register: string | undefined
  readonly setDefault: boolean
  readonly corrections: boolean
  /** Takes a page of photos as a fine-tuning would see them; nothing is trained then. */
  readonly preview: string | undefined
  readonly dryRun: boolean
  readonly json: boolean
}

export async function runTrain(context: CommandContext, plan: RunTrainPlan): Promise<void> {
  const { config, stdout, stderr } = context
  const whole = findBackbone(plan.backbone ?? DEFAULT_BACKBONE, config.home)
  const backbone =
    plan.features === undefined ? whole : await findInnerBackbone(config.home, whole, plan.features)
  const model = plan.register === undefined ? undefined : parseVersionPath(plan.register).model
  refuseDefaultWithoutName(plan)
  refuseIdleBudget(plan)
  await refuseOccupied(context, plan.out)
  const startMs = performance.now()
  const store = await openStore(config)
  const say = (text: string) => void (plan.json ? stderr : stdout).write(text)
  const narrator = createNarrator(context, say)
  const stopListening = onInterrupt(() => {
    narrator.clear()
    stderr.write(narrator.tellStopped() ?? '')
  })
  try {
    const { dataset: scanned } = await scanWithProgress(context, {
      dataset: plan.dataset,
      glob: plan.glob,
      headersOnly: true,
    })
    const { photos: extra, dataset } =
      model !== undefined && plan.corrections
        ? await loadCorrections(store, model, scanned)
        : { photos: [], dataset: scanned }
    say(describeDataset(context, dataset, extra, model))
    requireTrainable([...dataset.photos, ...extra], dataset.findings)
    const trainPlan = { ...plan, startMs, dataset, extra, backbone }
    const trainContext = {
      ...{ home: config.home, workers: config.workers, limits: config.limits },
      onEvent: narrator.tell,
    }
    if (plan.preview !== undefined) {
      const preview = await previewTraining(trainPlan, trainContext)
      return await writePreview(context, resolve(context.cwd, plan.preview), preview, plan.json)
    }
    if (plan.dryRun) return say(describeDecision(decideMode(trainPlan)))

    const trained = await train(trainPlan, trainContext)
    const kept = await keepBundle(context, store, { ...plan, dataset }, trained)
    stopListening()
    await trained.forget()
    const elapsedMs = performance.now() - startMs
    if (plan.json) printJson(context, toJson(trained, kept, elapsedMs))
    else say(describeResult(context, trained, kept, elapsedMs))
  } finally {
    stopListening()
    narrator.clear()
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

function refuseIdleBudget({ timeBudgetMs, mode }: RunTrainPlan): void {
  if (timeBudgetMs === undefined || mode !== 'frozen') return
  throw new VergerError(
    'usage_invalid',
    'Expected --mode fine-tune or auto beside --time-budget, received --mode frozen',
    { hint: 'verger train DATASET --mode auto --time-budget 10m' },
  )
}

function describeDataset(
  { stdout }: CommandContext,
  dataset: ScannedDataset,
  extra: readonly ScannedPhoto[],
  model: string | undefined,
): string {
  const counts = countLabels(dataset.photos)
  const findings = renderFindings(stdout, dataset.findings)
  const corrected =
    extra.length === 0
      ? ''
      : `With ${plural(extra.length, 'photo')} corrected for ${model}: ${countLabels(extra)
          .map(({ label, photos }) => `${formatCount(photos)} ${printable(label)}`)
          .join(', ')}\n`
  return (
    `Found ${plural(counts.length, 'label')} in ${dataset.name}: ${plural(dataset.photos.length, 'photo')}\n` +
    `${renderLabels(stdout, counts)}${corrected}${findings === '' ? '' : `\n${findings}`}\n`
  )
}

/** Nothing where the mode was not left to decide. */
const describeDecision = ({ mode, reason }: ModeDecision): string =>
  reason === undefined
    ? ''
    : `${mode === 'fine-tune' ? 'Fine-tuning' : 'Frozen features'}: ${reason}\n`

interface Narrator {
  tell(event: TrainEvent): void
  /** Removes the line that moves from a terminal. */
  clear(): void
  /** What a run that is stopped now leaves; undefined where there is nothing to say about it. */
  tellStopped(): string | undefined
}

/** Says what happens: a line for each stage, and under it a line that moves while the work lasts. */
function createNarrator({ stdout, stderr }: CommandContext, say: (text: string) => void): Narrator {
  const look = createFeatureNarrator(stderr, say)
  const tuning = createTuningNarrator(stderr, say)
  let steps: StepLine | undefined
  let saidFindings = false
  let saidSides: Sides | undefined
  const clear = () => {
    steps?.clear()
    steps = undefined
    tuning.clear()
  }
  const tell = (event: TrainEvent) => {
    switch (event.stage) {
      case 'sides': {
        clear()
        const { train: learned, measured, choice, notes, cautions } = event.sides
        const { unreadable } = event.prepared
        if (!saidFindings && unreadable.length > 0) say(`\n${renderFindings(stdout, unreadable)}\n`)
        saidFindings = true
        // In 8 bit the same photos are learned from once more.
        if (event.sides !== saidSides) {
          say(
            `Learning from ${formatCount(learned.length)}, measuring with ${formatCount(measured.length)}: ${choice}\n`,
          )
          for (const note of [...cautions, ...notes]) say(`  ${note}\n`)
        }
        saidSides = event.sides
        steps = new StepLine(stderr, 'Training')
        return
      }
      case 'quantizing':
        clear()
        steps = new StepLine(stderr, 'Fitting 8 bit to these photos')
        return
      case 'quantized':
        clear()
        say(renderQuantization(event.figures, event.refusal))
        return
      case 'mode':
        say(describeDecision(event.decision))
        return
      case 'observing':
        clear()
        steps = new StepLine(stderr, 'Fitting 8 bit to what does not learn')
        return
      case 'measuring':
        clear()
        steps = new StepLine(stderr, 'Measuring how fast steps are here')
        return
      case 'doubting':
        clear()
        steps = new StepLine(stderr, 'Checking labels with classifiers that did not see the photo')
        return
      case 'doubted': {
        const { findings, lessSure } = event
        clear()
        if (findings.length === 0) return
        const more = lessSure === 0 ? '' : ` and ${plural(lessSure, 'more photo')}, less surely,`
        say(
          `\n${renderFindings(stdout, findings)}  They${more} are not learned from by the network\n\n`,
        )
        return
      }
      case 'start-tuning':
        clear()
        steps = new StepLine(stderr, 'Training the heads to start from and to beat')
        return
      case 'tuning-waits':
      case 'tuning':
        clear()
        tuning.tell(event)
        return
      case 'tuning-kept':
      case 'tuning-step':
      case 'tuning-shortened':
      case 'tuning-epoch':
      case 'tuned':
        tuning.tell(event)
        return
      case 'step':
        steps?.step(
          event.trial === undefined
            ? undefined
            : `${event.trial.scaling} scaling, L2 ${event.trial.l2}: ${(100 * event.trial.accuracy).toFixed(1)} % on held-out look-alikes`,
        )
        return
      default:
        clear()
        look(event)
        if (event.stage === 'featurized') steps = new StepLine(stderr, 'Looking for look-alikes')
    }
  }
  return { tell, clear, tellStopped: tuning.tellStopped }
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
  }
  if (folder !== undefined) {
    lines.push(`Written to ${folder}`, `  report ${join(folder, 'report.html')}`)
  }
  if (named !== undefined) {
    const which = isDefault ? '' : ` --version ${version?.name}`
    lines.push(`  verger versions report ${named}   writes the page that shows what it gets wrong`)
    lines.push(`  verger predict PHOTO --model ${version?.model}${which}`)
  } else lines.push(`  verger predict PHOTO --bundle ${folder}`)
  return `${lines.join('\n')}\n`
}

function toJson(
  { report, bundle, manifest, accuracyByChance, findings, mode }: Trained,
  { version, isDefault, folder }: Kept,
  elapsedMs: number,
) {
  const { accuracy, macroF1, topK, calibration, decisions, dataset, training, comparison } = report
  return {
    bundle,
    model: version?.model ?? null,
    version: version?.name ?? null,
    isDefault,
    folder: folder ?? null,
    labels: manifest.labels,
    dataset,
    mode: { ...mode, reason: mode.reason ?? null },
    settings: { ...manifest.head, ...manifest.training, views: manifest.backbone.views },
    accuracy,
    accuracyByChance: accuracyByChance ?? null,
    macroF1,
    topK,
    calibrationError: { before: calibration.eceBefore, after: calibration.eceAfter },
    decisions,
    comparison: comparison ?? null,
    tuning: training?.tuning ?? null,
    notes: training?.notes ?? [],
    findings,
    elapsedMs: Math.round(elapsedMs),
  }
}
