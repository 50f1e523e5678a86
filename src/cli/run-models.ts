import type { Model, ModelSettings } from '../registry/registry.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { changeLabels, sayLabels } from './labels.ts'
import { withModels } from './models-api.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'
import { renderModelCard } from './render-model-card.ts'
import type { ServerAddress } from './server-choice.ts'

/** `server` undefined stands for this machine. */
interface Asked {
  readonly server: ServerAddress | undefined
}

interface Named extends Asked {
  readonly name: string
  readonly json: boolean
}

interface Changes {
  readonly settings: ModelSettings
  /** `key=value`, or `key=` for one that goes. */
  readonly label: readonly string[]
}

export async function runModelsList(
  context: CommandContext,
  { server, json }: Asked & { readonly json: boolean },
): Promise<void> {
  const { stdout, stderr } = context
  const models = await withModels(context, server, (models) => models.listModels())
  if (json) return printJson(context, models)
  if (models.length === 0) {
    stderr.write('There is no model yet. verger train DATASET --register fruits/v1 makes one.\n')
    return
  }
  // Most have neither a trial nor labels.
  const isTried = models.some(({ canary, shadow }) => canary !== undefined || shadow !== undefined)
  const isLabelled = models.some(({ labels }) => Object.keys(labels).length > 0)
  stdout.write(
    renderColumns(
      [
        { title: 'model' },
        { title: 'default' },
        ...(isTried ? [{ title: 'canary' }, { title: 'shadow' }] : []),
        { title: 'versions', align: 'right' as const },
        ...(isLabelled ? [{ title: 'labels' }] : []),
        { title: 'description' },
      ],
      models.map((model) => [
        model.name,
        model.defaultVersion ?? '-',
        ...(isTried ? [sayCanary(model), model.shadow ?? '-'] : []),
        String(model.versions),
        ...(isLabelled ? [sayLabels(model.labels)] : []),
        printable(model.description),
      ]),
    ),
  )
}

export async function runModelsCreate(
  context: CommandContext,
  { server, name, settings, label, json }: Named & Changes,
): Promise<void> {
  const labels = changeLabels({}, label)
  const model = await withModels(context, server, (models) =>
    models.createModel(name, { ...settings, labels }),
  )
  if (json) return printJson(context, model)
  context.stdout.write(`Created ${name}. ${sayCorrections(model)}\n`)
}

export async function runModelsUpdate(
  context: CommandContext,
  { server, name, settings, label, json }: Named & Changes,
): Promise<void> {
  const model = await withModels(context, server, async (models) => {
    if (label.length === 0) return models.updateModel(name, settings)
    const before = await models.getModel(name)
    const labels = changeLabels(before.labels, label)
    return models.updateModel(name, { ...settings, labels }, { ifMatch: before.etag })
  })
  if (json) return printJson(context, model)
  context.stdout.write(`Updated ${name}. ${sayCorrections(model)}\n`)
}

export async function runModelsShow(
  context: CommandContext,
  { server, name, version, json }: Named & { readonly version: string | undefined },
): Promise<void> {
  const card = await withModels(context, server, (models) => models.readCard(name, version))
  if (json) return printJson(context, card)
  context.stdout.write(renderModelCard(card))
}

export async function runModelsDelete(
  context: CommandContext,
  {
    server,
    name,
    force,
    dryRun,
    json,
  }: Named & { readonly force: boolean; readonly dryRun: boolean },
): Promise<void> {
  const gone = await withModels(context, server, (models) =>
    models.removeModel(name, { force, dryRun }),
  )
  if (json) return printJson(context, gone)
  const verb = dryRun ? 'Would delete' : 'Deleted'
  context.stdout.write(
    `${verb} ${name}: ${plural(gone.versions, 'version')}, ${plural(gone.changes, 'change')} of its default, ${plural(gone.corrections, 'corrected photo')}.\n`,
  )
}

const sayCanary = ({ canary }: Model): string =>
  canary === undefined ? '-' : `${canary.version}, ${canary.percent} %`

function sayCorrections({ keepCorrections, keepCorrectionsDays: days }: Model): string {
  if (!keepCorrections) return 'Corrected photos are not kept.'
  return `Corrected photos are kept${days === undefined ? '' : ` for ${plural(days, 'day')}`}.`
}
