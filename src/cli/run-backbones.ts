/** Lists the backbones that are here or could be pulled, and deletes those of the home. */
import { basename } from 'node:path'
import { SHIPPED_BACKBONES } from '../backbones/catalog.ts'
import {
  type BackboneDescription,
  deleteKeptBackbone,
  isBackboneId,
  listKeptIds,
  readKeptBackbone,
} from '../backbones/kept-backbones.ts'
import { OFFICIAL_WEIGHTS } from '../backbones/official-weights.ts'
import { toVergerError, VergerError } from '../core/errors.ts'
import { refuseUsed } from './backbone-uses.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatBytes } from './render-dataset.ts'

const STATES = ['shipped', 'pulled', 'imported', 'available', 'damaged'] as const

interface ListedBackbone {
  readonly id: string
  readonly state: (typeof STATES)[number]
  readonly architecture: string
  /** Of the file of weights. */
  readonly sizeBytes?: number
  readonly features?: number
  readonly classes?: number
  readonly source?: string
  readonly licence?: string
  readonly notes?: readonly string[]
  /** What is wrong with a damaged one. */
  readonly fault?: string
}

export function runBackbonesList(
  context: CommandContext,
  { json }: { readonly json: boolean },
): void {
  const { home, weightsUrl } = context.config
  const listed = listBackbones(home, weightsUrl)
  if (json) {
    printJson(context, listed)
    return
  }
  const rows = listed.map(({ id, architecture, state, sizeBytes, features, source, licence }) => [
    id,
    architecture,
    sizeBytes === undefined ? '' : formatBytes(sizeBytes),
    features === undefined ? '' : String(features),
    state,
    printable(licence ?? ''),
    printable(shorten(source)),
  ])
  const columns = [
    ...[{ title: 'backbone' }, { title: 'architecture' }],
    ...[{ title: 'size', align: 'right' } as const, { title: 'features', align: 'right' } as const],
    ...[{ title: 'state' }, { title: 'licence' }, { title: 'source' }],
  ]
  const isAvailable = listed.some(({ state }) => state === 'available')
  const next = isAvailable ? '\nverger backbones pull NAME gets one that is available.\n' : ''
  context.stdout.write(`${renderColumns(columns, rows)}${next}`)
}

/** The host of a URL and the name of a file; `--json` has all of it. */
function shorten(source = ''): string {
  return /^https?:/.test(source) ? new URL(source).host : basename(source)
}

function listBackbones(home: string, weightsUrl: string): ListedBackbone[] {
  const shipped = SHIPPED_BACKBONES.map(
    ({ id, architecture, network, labels, weights }): ListedBackbone => ({
      ...{ id, state: 'shipped', architecture, sizeBytes: weights.sizeBytes },
      features: network.outputs['features']?.width ?? 0,
      classes: labels.length,
      ...{ source: 'ships with Verger', licence: weights.licence },
    }),
  )
  const kept = listKeptIds(home).map((id) => describeKept(home, id))
  const here = new Set([...shipped, ...kept].map(({ id }) => id))
  const available = OFFICIAL_WEIGHTS.filter(({ id }) => !here.has(id)).map(
    ({ id, path, aboutBytes, features, licence }): ListedBackbone => ({
      ...{ id, state: 'available', architecture: id, sizeBytes: aboutBytes, features },
      ...{ classes: 1000, source: new URL(path, weightsUrl).href, licence },
    }),
  )
  return [...shipped, ...kept, ...available]
}

function describeKept(home: string, id: string): ListedBackbone {
  let kept: BackboneDescription | undefined
  let fault = 'no description'
  try {
    kept = readKeptBackbone(home, id)
  } catch (error) {
    fault = toVergerError(error).message
  }
  if (kept === undefined) return { id, state: 'damaged', architecture: '', fault }
  const { architecture, network, labels, source, licence, notes } = kept
  return {
    ...{ id, state: isOfficial(id) ? 'pulled' : 'imported', architecture },
    ...{ sizeBytes: source.sizeBytes, features: network.outputs['features']?.width ?? 0 },
    ...{ classes: labels.length, source: source.location, licence, notes },
  }
}

const isOfficial = (id: string): boolean => OFFICIAL_WEIGHTS.some((official) => official.id === id)

export async function runBackbonesDelete(
  context: CommandContext,
  { id, dryRun, json }: { readonly id: string; readonly dryRun: boolean; readonly json: boolean },
): Promise<void> {
  const { home } = context.config
  const ids = listKeptIds(home)
  if (!isBackboneId(id) || !ids.includes(id)) {
    const isShipped = SHIPPED_BACKBONES.some((shipped) => shipped.id === id)
    throw new VergerError(
      'backbone_unknown',
      `Expected a backbone of ${home} (${ids.join(', ') || 'there is none'}), received '${id}'${isShipped ? ', which ships with Verger' : ''}`,
      { hint: 'verger backbones list shows what there is.' },
    )
  }
  await refuseUsed(context, id)
  if (!dryRun) await deleteKeptBackbone(home, id)
  if (json) printJson(context, { id, dryRun })
  else context.stdout.write(`${dryRun ? 'Would delete' : 'Deleted'} ${id}\n`)
}
