/** Reads a dataset, says what is in it and what is wrong with it, and saves the version that it is. */
import { VergerError } from '../core/errors.ts'
import { countLabels } from '../datasets/label-counts.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { saveDatasetVersion } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import {
  formatBytes,
  formatPixels,
  pixelRange,
  renderFindings,
  renderLabels,
  shortId,
} from './render-dataset.ts'
import { describeScan, type ScanPlan, scanWithProgress } from './scan-with-progress.ts'

export interface DatasetsScanPlan extends ScanPlan {
  readonly json: boolean
}

/** Throws `dataset_empty` where no photo can be read, after saying why. */
export async function runDatasetsScan(
  context: CommandContext,
  plan: DatasetsScanPlan,
): Promise<void> {
  const { config, stdout, stderr } = context
  const scan = await scanWithProgress(context, plan)
  const { dataset } = scan
  const isEmpty = dataset.photos.length === 0
  if (plan.json) printJson(context, toJson(dataset))
  else {
    const findings = renderFindings(stdout, dataset.findings)
    if (isEmpty) stdout.write(findings)
    else {
      const labels = renderLabels(stdout, countLabels(dataset.photos))
      stdout.write(`${describe(dataset)}\n\n${labels}\n`)
      if (findings !== '') stdout.write(`${findings}\n`)
    }
  }
  if (isEmpty) throw nothingReadable(dataset)

  const store = await openStore(config)
  await saveDatasetVersion(store, dataset).finally(() => store.close())
  stderr.write(`${describeScan(scan)}\n`)
  if (!plan.json) stdout.write(`Dataset version ${shortId(dataset.id)}\n`)
}

function describe({ name, photos, sizeBytes }: ScannedDataset): string {
  const labels = plural(countLabels(photos).length, 'label')
  return `Found ${labels} in ${name}: ${plural(photos.length, 'photo')}, ${formatBytes(sizeBytes)}, ${formatPixels(photos)}`
}

function toJson({ id, name, source, root, photos, sizeBytes, findings }: ScannedDataset) {
  return {
    id: photos.length === 0 ? null : id,
    name,
    source,
    root,
    photoCount: photos.length,
    sizeBytes,
    pixels: pixelRange(photos) ?? null,
    labels: countLabels(photos),
    findings,
  }
}

/** Why a dataset of broken photos alone is refused, once its findings were shown. */
export function nothingReadable({ root, findings }: ScannedDataset): VergerError {
  const broken = findings.filter(({ kind }) => kind === 'broken').length
  return new VergerError(
    'dataset_empty',
    `Expected photos that can be read in ${root}, found ${broken} that cannot`,
    { hint: 'The findings above name each photo and what is wrong with it.' },
  )
}
