/** Splits a dataset without leaks, and keeps the split as a new dataset version and, where wanted, as a manifest. */
import { dirname, extname, join, relative, resolve, sep } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { writeFileAtomic } from '../core/atomic-write.ts'
import { VergerError } from '../core/errors.ts'
import { countLabels } from '../datasets/label-counts.ts'
import { type DatasetPhoto, manifestId, SPLITS } from '../datasets/manifest.ts'
import type { ScannedDataset } from '../datasets/scan.ts'
import { applySplit, planSplit, type SplitPlan } from '../datasets/split.ts'
import { saveDatasetVersion } from '../datasets/versions.ts'
import { openStore } from '../store/store.ts'
import type { CommandContext } from './context.ts'
import { findLookAlikes, type LookAlikes } from './find-look-alikes.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatCount, plural } from './render.ts'
import { renderLabels, shortId } from './render-dataset.ts'
import { describeScan, type ScanPlan, scanWithProgress } from './scan-with-progress.ts'

export interface DatasetsSplitPlan extends ScanPlan {
  readonly validationShare: number
  readonly testShare: number
  readonly seed: number
  /** Whether near duplicates stay on one side, for which a network looks at each photo. */
  readonly nearDuplicates: boolean
  /** CSV file to write. */
  readonly out: string | undefined
  readonly json: boolean
}

/** Look-alikes, or only the dataset where nobody looked for them. */
type Alike = Pick<LookAlikes, 'dataset' | 'groups'> & Partial<LookAlikes>

/** Throws `dataset_empty` where no photo can be read, `usage_invalid` where the shares leave none to train on. */
export async function runDatasetsSplit(
  context: CommandContext,
  plan: DatasetsSplitPlan,
): Promise<void> {
  const { config, cwd, stdout, stderr } = context
  const { validationShare, testShare, seed, json } = plan
  const out = plan.out === undefined ? undefined : resolve(cwd, plan.out)
  if (out !== undefined && extname(out).toLowerCase() !== '.csv') throw notCsv(out)
  planSplit([], { validationShare, testShare, seed }) // wrong shares are told before all photos are read

  const scan = await scanWithProgress(context, { ...plan, headersOnly: plan.nearDuplicates })
  stderr.write(`${describeScan(scan)}\n`)
  if (scan.dataset.photos.length === 0) throw nothingReadable(scan.dataset)
  const alike: Alike = plan.nearDuplicates
    ? await findLookAlikes(context, scan.dataset, seed)
    : { dataset: scan.dataset, groups: [] }
  const { dataset } = alike
  if (dataset.photos.length === 0) throw nothingReadable(dataset)
  const options = { validationShare, testShare, seed }
  const split = planSplit(dataset.photos, { ...options, groups: alike.groups })
  // Chance nearly always parts photos that merely look alike: what leaks are copies and near duplicates.
  const { leak } = planSplit(dataset.photos, { ...options, groups: alike.nearDuplicates ?? [] })
  const photos = applySplit(dataset.photos, split)
  const id = manifestId(photos)

  if (out !== undefined) await writeFileAtomic(out, toCsv(dataset.root, photos, dirname(out)))
  const store = await openStore(config)
  await saveDatasetVersion(store, { ...dataset, photos }).finally(() => store.close())
  if (json) printJson(context, toJson(alike, photos, { ...split, leak }))
  else {
    const counts = SPLITS.map((side) => [side, countSide(photos, side)] as const)
    const sides = counts.filter(([, count]) => count > 0)
    const words = sides.map(([side, count]) => `${formatCount(count)} ${side}`).join(', ')
    stdout.write(`Split ${plural(photos.length, 'photo')} of ${dataset.name}: ${words}\n\n`)
    stdout.write(renderLabels(stdout, countLabels(photos)))
    const notes = describeSplit(alike, { ...split, leak })
    if (notes !== '') stdout.write(`\n${notes}`)
    stdout.write(`\nDataset version ${shortId(id)}\n`)
    if (out !== undefined) stdout.write(`Manifest ${printable(plan.out ?? out)}\n`)
  }
}

const countSide = (photos: readonly DatasetPhoto[], side: string): number =>
  photos.filter(({ split }) => split === side).length

function describeSplit(
  { dataset, nearDuplicates = [], parted = 0 }: Alike,
  { groupCount, incompleteLabels, leak }: SplitPlan,
): string {
  const lines: string[] = []
  if (groupCount > 0) {
    const share = ((100 * leak.avoided) / Math.max(1, leak.heldOut)).toFixed(1)
    lines.push(
      `Photos that look alike or belong together stay on one side: ${plural(groupCount, 'group')}.`,
      `A random split would have parted ${formatCount(leak.avoided)} of ${plural(leak.heldOut, 'held-out photo')} (${share} %) from a copy, a near duplicate or a photo of their group.`,
    )
  }
  if (nearDuplicates.length > 0) {
    const count = new Set(nearDuplicates.flat()).size
    lines.push(
      `${plural(count, 'photo')} have near duplicates: ${plural(nearDuplicates.length, 'chain')}.`,
    )
  }
  if (parted > 0) {
    lines.push(
      `${plural(parted, 'pair')} of them had to be parted all the same: they chain whole labels together, as the frames of a turntable do.`,
    )
  }
  if (incompleteLabels.length > 0) {
    const named = incompleteLabels.slice(0, 8).map(printable).join(', ')
    const more = incompleteLabels.length > 8 ? ` and ${incompleteLabels.length - 8} more` : ''
    lines.push(`Too few independent photos to stand on every side: ${named}${more}`)
  }
  const broken = dataset.findings.filter(({ kind }) => kind === 'broken').length
  if (broken > 0) {
    lines.push(`${plural(broken, 'photo')} cannot be read; verger datasets scan tells why.`)
  }
  if (dataset.photos.some(({ split }) => split !== undefined)) {
    lines.push('The split that the dataset had is replaced in the new version.')
  }
  return lines.map((line) => `${line}\n`).join('')
}

function toJson(
  { dataset: { name, root }, nearDuplicates, parted }: Alike,
  photos: readonly DatasetPhoto[],
  { groupCount, incompleteLabels, leak }: SplitPlan,
) {
  return {
    id: manifestId(photos),
    name,
    root,
    photoCount: photos.length,
    splits: Object.fromEntries(SPLITS.map((side) => [side, countSide(photos, side)])),
    labels: countLabels(photos),
    groups: groupCount,
    nearDuplicates: nearDuplicates === undefined ? null : { chains: nearDuplicates.length, parted },
    incompleteLabels,
    leak,
  }
}

/** A manifest whose paths start at the folder that it lies in. */
function toCsv(root: string, photos: readonly DatasetPhoto[], folder: string): string {
  const hasGroups = photos.some(({ group }) => group !== undefined)
  const rows = photos.map(({ path, label, split, group }) => {
    const place = relative(folder, join(root, path)).split(sep).join('/')
    return [place, label, split, ...(hasGroups ? [group ?? ''] : [])]
  })
  return stringify([['path', 'label', 'split', ...(hasGroups ? ['group'] : [])], ...rows])
}

function nothingReadable({ root }: ScannedDataset): VergerError {
  return new VergerError(
    'dataset_empty',
    `Expected photos that can be read in ${root}, found none`,
    { hint: 'verger datasets scan names each photo and what is wrong with it.' },
  )
}

function notCsv(out: string): VergerError {
  return new VergerError(
    'usage_invalid',
    `Expected a file name that ends in .csv, received ${out}`,
    {
      hint: 'verger datasets split fruits/ --out manifest.csv',
    },
  )
}
