/** Pulls or imports a backbone and says whose it is, how large, how far, and what was read. */

import { formatDuration } from '../core/durations.ts'
import { type GotBackbone, getBackbone, type WeightsCheck } from '../importing/get-backbone.ts'
import { readLabels } from '../importing/parse-labels.ts'
import { type BackbonePlan, planImport, planPull } from '../importing/plan-backbone.ts'
import { refuseUsed } from './backbone-uses.ts'
import { ByteProgressLine } from './byte-progress-line.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { paint } from './render.ts'
import { formatBytes } from './render-dataset.ts'

interface Getting {
  readonly force: boolean
  readonly acceptChange: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

export interface PullPlan extends Getting {
  readonly id: string
  readonly from: string | undefined
}

export interface ImportPlan extends Getting {
  readonly file: string
  readonly architecture: string
  readonly name: string | undefined
  /** As the command line has it. */
  readonly labels: string | undefined
  readonly licence: string | undefined
}

export async function runBackbonesPull(context: CommandContext, plan: PullPlan): Promise<void> {
  const { config, cwd } = context
  const { home, weightsUrl } = config
  await run(context, await planPull(plan, { home, cwd, weightsUrl }), plan)
}

export async function runBackbonesImport(context: CommandContext, plan: ImportPlan): Promise<void> {
  const { config, cwd } = context
  const labels = plan.labels === undefined ? undefined : await readLabels(plan.labels, cwd)
  await run(context, await planImport({ ...plan, labels }, { home: config.home, cwd }), plan)
}

async function run(context: CommandContext, plan: BackbonePlan, getting: Getting): Promise<void> {
  const { stdout } = context
  const { force, dryRun, json } = getting
  if (dryRun) {
    if (json) printJson(context, plan)
    else stdout.write(`${renderPlan(plan)}${renderDryRun(plan, force)}`)
    return
  }
  const isToDo = !plan.isThere || force
  if (plan.isThere && force) await refuseUsed(context, plan.id)
  if (isToDo && !json) stdout.write(renderPlan(plan))
  const startMs = performance.now()
  const got = await getWithProgress(context, plan, getting)
  if (json) printJson(context, describe(plan, got))
  else stdout.write(renderResult(plan, got, performance.now() - startMs))
}

async function getWithProgress(
  { config, stderr }: CommandContext,
  plan: BackbonePlan,
  { force, acceptChange }: Getting,
): Promise<GotBackbone> {
  const line = new ByteProgressLine(stderr, 'downloaded')
  try {
    return await getBackbone(plan, config.home, {
      ...{ force, acceptChange },
      onProgress: (done, total) => line.update(done, total),
      onRead(sizeBytes) {
        line.clear()
        stderr.write(`Reading ${formatBytes(sizeBytes)}\n`)
      },
      onNote(note) {
        line.clear()
        stderr.write(`${paint(stderr, 'yellow', 'note')} ${printable(note)}\n`)
      },
    })
  } finally {
    line.clear()
  }
}

const facts = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([key, value]) => `  ${key.padEnd(12)} ${printable(value)}\n`).join('')

function renderPlan(plan: BackbonePlan): string {
  const { id, title, architecture, licence, origin, sizeBytes, folder } = plan
  return `${id}: ${printable(title)}\n${facts([
    ['architecture', architecture],
    ['licence', licence],
    ['source', origin.kind === 'url' ? origin.url : origin.path],
    ['size', sizeBytes === undefined ? 'not stated' : formatBytes(sizeBytes)],
    ['folder', folder],
  ])}`
}

function renderDryRun({ origin, freeBytes, isThere, sizeBytes = 0 }: BackbonePlan, force: boolean) {
  const here = origin.kind === 'url' ? origin.hereBytes : 0
  const lines = [facts([['free', formatBytes(freeBytes)]])]
  if (here > 0) lines.push(facts([['here', `${formatBytes(here)} from an earlier run`]]))
  if (isThere && !force) lines.push('It is there already; --force gets it again.\n')
  else if (origin.kind === 'file') lines.push('Would read it.\n')
  else lines.push(`Would download ${formatBytes(Math.max(0, sizeBytes - here))} and read it.\n`)
  return lines.join('')
}

const CHECKS: Readonly<Record<WeightsCheck, string>> = {
  published: 'as the publisher states',
  'same-as-before': 'as the first time',
  recorded: 'recorded: another one will be refused from now on',
  accepted: 'another than before, accepted',
  unpublished: 'of your file, which is not the published one',
  'not-compared': 'of your file',
}

function renderResult({ id }: BackbonePlan, got: GotBackbone, elapsedMs: number): string {
  const { backbone, isNew, check } = got
  const { source, network, labels, readAs, notes, createdAt, licence } = backbone
  if (!isNew) {
    const day = createdAt.slice(0, 10)
    return `${id} is there since ${day} (licence: ${printable(licence)}). --force gets it again.\n`
  }
  const width = network.outputs['features']?.width ?? 0
  const classes = labels.length === 0 ? 'no names of classes' : `${labels.length} classes`
  const next =
    labels.length === 0
      ? `verger train DATASET --backbone ${id}`
      : `verger predict PHOTO --backbone ${id}`
  return `Got ${id} in ${formatDuration(elapsedMs)}\n${facts([
    ['read', readAs],
    ['network', `${network.input.size} px, ${width} features, ${classes}`],
    ['sha256', source.sha256],
    ...(check === undefined ? [] : [['', CHECKS[check]] as const]),
    ...notes.map((note) => ['note', note] as const),
  ])}Next: ${next}\n`
}

function describe({ folder }: BackbonePlan, { backbone, isNew, check }: GotBackbone) {
  const { network, labels, ...rest } = backbone
  const { input, outputs } = network
  return {
    ...{ ...rest, input, features: outputs['features']?.width ?? 0, labels: labels.length },
    ...{ folder, isNew, ...(check === undefined ? {} : { check }) },
  }
}
