/** Gets a dataset and says whose it is, how large, how far, and what to do with it. */

import { formatDuration } from '../core/durations.ts'
import { DATASET_CATALOG, SAMPLE_FRUITS } from '../datasets/get/dataset-catalog.ts'
import { type GetResult, type GetStage, getDataset } from '../datasets/get/get-dataset.ts'
import { type DatasetPlan, type DatasetRequest, planDataset } from '../datasets/get/plan-dataset.ts'
import { ByteProgressLine } from './byte-progress-line.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { ProgressLine, paint, plural } from './render.ts'
import { formatBytes } from './render-dataset.ts'

export interface GetPlan extends DatasetRequest {
  readonly force: boolean
  readonly acceptChange: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

/** Prints what can be got by name. */
export function listCatalog(context: CommandContext, { json }: { readonly json: boolean }): void {
  if (json) {
    const datasets = DATASET_CATALOG.map(({ layout, ...dataset }) => dataset)
    printJson(context, { datasets: [SAMPLE_FRUITS, ...datasets] })
    return
  }
  const rows = [SAMPLE_FRUITS, ...DATASET_CATALOG].map((dataset) => [
    dataset.name,
    'sizeBytes' in dataset && dataset.sizeBytes !== undefined ? formatBytes(dataset.sizeBytes) : '',
    dataset.title,
  ])
  const columns = [{ title: 'name' }, { title: 'size', align: 'right' }, { title: 'what' }] as const
  context.stdout.write(
    `${renderColumns(columns, rows)}\nverger datasets get NAME --dry-run shows licence and source.\n`,
  )
}

export async function runDatasetsGet(context: CommandContext, plan: GetPlan): Promise<void> {
  const { config, cwd, stdout } = context
  const { home } = config
  const dataset = await planDataset(plan, { home, cwd })
  const isPlain = !plan.json
  if (plan.dryRun) {
    if (isPlain) stdout.write(`${renderPlan(dataset)}${renderDryRun(dataset, plan.force)}`)
    else printJson(context, describePlan(dataset))
    return
  }
  const isToDo = !dataset.isThere || plan.force
  if (isPlain && isToDo) stdout.write(renderPlan(dataset))
  const startMs = performance.now()
  const result = await getWithProgress(context, dataset, plan)
  if (isPlain) stdout.write(renderResult(dataset, result, performance.now() - startMs))
  else printJson(context, describeResult(result))
}

async function getWithProgress(
  { config, stderr }: CommandContext,
  dataset: DatasetPlan,
  { force, acceptChange }: GetPlan,
): Promise<GetResult> {
  const lines = {
    download: new ByteProgressLine(stderr, 'downloaded'),
    unpack: new ByteProgressLine(stderr, 'unpacked'),
  }
  let composed: ProgressLine | undefined
  const show = (stage: GetStage, done: number, total?: number) => {
    if (stage !== 'compose') return lines[stage].update(done, total)
    composed ??= new ProgressLine(stderr, 'photo', total ?? 0)
    composed.add()
  }
  try {
    return await getDataset(dataset, config.home, {
      ...{ force, acceptChange, onProgress: show },
      onNote(note) {
        lines.download.clear()
        stderr.write(`${paint(stderr, 'yellow', 'note')} ${printable(note)}\n`)
      },
    })
  } finally {
    lines.download.clear()
  }
}

function renderPlan(plan: DatasetPlan): string {
  const { name, title, licence, page, sizeBytes, folder } = plan
  const size = sizeBytes === undefined ? 'not stated' : formatBytes(sizeBytes)
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['licence', licence],
    ['page', page],
    ['source', sourceOf(plan)],
    ['size', plan.origin.kind === 'composed' ? undefined : size],
    ['folder', folder],
  ]
  const lines = facts.flatMap(([key, value]) =>
    value === undefined ? [] : [`  ${key.padEnd(8)} ${printable(value)}\n`],
  )
  return `${name === title ? name : `${name}: ${title}`}\n${lines.join('')}`
}

function sourceOf({ origin }: DatasetPlan): string {
  if (origin.kind === 'url') return origin.url
  return origin.kind === 'file' ? origin.file : 'composed on this machine'
}

function renderDryRun({ origin, freeBytes, isThere, sizeBytes }: DatasetPlan, force: boolean) {
  const here = origin.kind === 'url' ? origin.hereBytes : 0
  const lines = [`  ${'free'.padEnd(8)} ${formatBytes(freeBytes)}\n`]
  if (here > 0) lines.push(`  ${'here'.padEnd(8)} ${formatBytes(here)} from an earlier run\n`)
  if (isThere && !force) lines.push('It is there already; --force gets it again.\n')
  else if (origin.kind === 'url') {
    const rest = sizeBytes === undefined ? '' : ` ${formatBytes(Math.max(0, sizeBytes - here))}`
    lines.push(`Would download${rest} and unpack it.\n`)
  } else lines.push(origin.kind === 'file' ? 'Would unpack it.\n' : 'Would compose the photos.\n')
  return lines.join('')
}

function renderResult({ name }: DatasetPlan, result: GetResult, elapsedMs: number): string {
  const { dataset, folder, isNew, photos = 0 } = result
  if (!isNew) {
    const day = dataset.createdAt.slice(0, 10)
    return `${name} is there since ${day}: ${folder} (licence: ${printable(dataset.licence)}). --force gets it again.\n`
  }
  const check = renderCheck(result)
  return `Got ${name}: ${plural(photos, 'photo')} in ${formatDuration(elapsedMs)}\n${check}Next: verger datasets scan ${name}\n`
}

function renderCheck({ dataset: { sha256 }, checksum }: GetResult): string {
  if (sha256 === undefined || checksum === undefined) return ''
  const words = {
    published: 'as the publisher states',
    'same-as-before': 'as the first time',
    recorded: 'recorded: another one will be refused from now on',
    accepted: 'another than before, accepted',
    'not-compared': 'of your file',
  }[checksum]
  return `  sha256   ${sha256}\n           ${words}\n`
}

function describePlan({ layout, ...plan }: DatasetPlan) {
  return plan
}

function describeResult({ dataset, folder, isNew, photos, checksum }: GetResult) {
  return { ...dataset, folder, isNew, photoCount: photos, checksum }
}
