/** Finds what is wrong with a dataset, prints the first of it and writes a page that shows all. */
import { dirname, resolve } from 'node:path'
import { DEFAULT_BACKBONE, findBackbone } from '../backbones/catalog.ts'
import { createFolder, writeFileAtomic } from '../core/atomic-write.ts'
import { formatDuration } from '../core/durations.ts'
import { countLabels } from '../datasets/label-counts.ts'
import { saveDatasetVersion } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import { type CheckEvent, type CheckedDataset, checkDataset } from '../training/check-dataset.ts'
import { buildContactSheet } from '../training/contact-sheet.ts'
import { renderReport } from '../training/render-report.ts'
import type { CommandContext } from './context.ts'
import { createFeatureNarrator } from './feature-narrator.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'
import { formatBytes, formatPixels, renderFindings, shortId } from './render-dataset.ts'
import { nothingReadable } from './run-datasets-scan.ts'
import { describeScan, type ScanPlan, scanWithProgress } from './scan-with-progress.ts'
import { StepLine } from './step-line.ts'

export interface DatasetsCheckPlan extends ScanPlan {
  readonly backbone: string | undefined
  /** Where the contact sheet goes. */
  readonly out: string | undefined
  readonly json: boolean
}

/** Look-alikes are grouped and folds drawn from it; another would find the same faults. */
const SEED = 1

/** Throws `dataset_empty` where no photo can be read, after saying why. */
export async function runDatasetsCheck(
  context: CommandContext,
  plan: DatasetsCheckPlan,
): Promise<void> {
  const { config, stdout, stderr } = context
  const backbone = findBackbone(plan.backbone ?? DEFAULT_BACKBONE, config.home)
  const startMs = performance.now()
  const scan = await scanWithProgress(context, plan)
  stderr.write(`${describeScan(scan)}\n`)
  const { findings, photos } = scan.dataset
  if (photos.length === 0) {
    if (!plan.json) stdout.write(renderFindings(stdout, findings))
    throw nothingReadable(scan.dataset)
  }
  const checked = await checkDataset(
    { dataset: scan.dataset, backbone, seed: SEED },
    {
      home: config.home,
      workers: config.workers,
      limits: config.limits,
      onEvent: createNarrator(context),
    },
  )
  const sheet = await writeSheet(context, plan, checked)
  const store = await openStore(config)
  await saveDatasetVersion(store, checked.dataset).finally(() => store.close())
  if (plan.json) return printJson(context, toJson(checked, sheet))
  stdout.write(describe(context, checked, sheet))
  stderr.write(`Checked in ${formatDuration(performance.now() - startMs)}\n`)
}

/** Says what happens, on standard error: standard output is for what was found. */
function createNarrator({ stderr }: CommandContext): (event: CheckEvent) => void {
  const look = createFeatureNarrator(stderr, (text) => stderr.write(text))
  let steps: StepLine | undefined
  return (event) => {
    switch (event.stage) {
      case 'compare':
        steps = new StepLine(stderr, 'Comparing each photo with each')
        return
      case 'labels':
        steps?.clear()
        steps = new StepLine(stderr, 'Checking labels with classifiers that did not see the photo')
        return
      case 'step':
        steps?.step()
        return
      case 'done':
        steps?.clear()
        return
      default:
        look(event)
    }
  }
}

async function writeSheet(
  { config, cwd }: CommandContext,
  { out }: DatasetsCheckPlan,
  { dataset }: CheckedDataset,
): Promise<string> {
  const path =
    out === undefined
      ? resolve(config.home, 'reports', `check-${shortId(dataset.id)}.html`)
      : resolve(cwd, out)
  if (out === undefined) await createFolder(dirname(path), { mode: 0o700 })
  await writeFileAtomic(path, renderReport(await buildContactSheet(dataset, dataset.findings)))
  return path
}

function describe(
  { stdout }: CommandContext,
  { dataset, lessSure, labelsUnchecked }: CheckedDataset,
  sheet: string,
): string {
  const { id, name, photos, sizeBytes, findings } = dataset
  const labels = plural(countLabels(photos).length, 'label')
  const found = renderFindings(stdout, findings)
  const notes = [
    ...(findings.length === 0 ? ['Nothing wrong was found.'] : []),
    ...(lessSure === 0
      ? []
      : [`The labels of ${plural(lessSure, 'more photo')} are less surely wrong and not listed.`]),
    ...(labelsUnchecked === undefined
      ? []
      : [`Labels were not checked against the photos: ${printable(labelsUnchecked)}`]),
    `Contact sheet ${printable(sheet)}`,
    `Dataset version ${shortId(id)}`,
  ]
  return `Checked ${labels} in ${name}: ${plural(photos.length, 'photo')}, ${formatBytes(sizeBytes)}, ${formatPixels(photos)}\n\n${found}${found === '' ? '' : '\n'}${notes.map((note) => `${note}\n`).join('')}`
}

function toJson({ dataset, lessSure, labelsUnchecked }: CheckedDataset, sheet: string) {
  const { id, name, source, root, photos, sizeBytes, findings } = dataset
  return {
    id,
    name,
    source,
    root,
    photoCount: photos.length,
    sizeBytes,
    labels: countLabels(photos),
    findings,
    lessSure,
    labelsUnchecked: labelsUnchecked ?? null,
    sheet,
  }
}
