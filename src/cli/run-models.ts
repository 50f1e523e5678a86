import type { Model, ModelSettings } from '../registry/registry.ts'
import { removeModel } from '../registry/remove-model.ts'
import { readModelCard } from '../training/model-card.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'
import { renderModelCard } from './render-model-card.ts'
import { withRegistry } from './with-registry.ts'

interface Named {
  readonly name: string
  readonly json: boolean
}

export async function runModelsList(
  context: CommandContext,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { stdout, stderr } = context
  const models = await withRegistry(context, (registry) => registry.listModels())
  if (json) return printJson(context, models)
  if (models.length === 0) {
    stderr.write('There is no model yet. verger train DATASET --register fruits/v1 makes one.\n')
    return
  }
  stdout.write(
    renderColumns(
      [
        { title: 'model' },
        { title: 'default' },
        { title: 'versions', align: 'right' },
        { title: 'description' },
      ],
      models.map(({ name, defaultVersion = '-', versions, description }) => [
        name,
        defaultVersion,
        String(versions),
        printable(description),
      ]),
    ),
  )
}

export async function runModelsCreate(
  context: CommandContext,
  { name, settings, json }: Named & { readonly settings: ModelSettings },
): Promise<void> {
  const model = await withRegistry(context, (registry) => registry.createModel(name, settings))
  if (json) return printJson(context, model)
  context.stdout.write(`Created ${name}. ${sayCorrections(model)}\n`)
}

export async function runModelsUpdate(
  context: CommandContext,
  { name, settings, json }: Named & { readonly settings: ModelSettings },
): Promise<void> {
  const model = await withRegistry(context, (registry) => registry.updateModel(name, settings))
  if (json) return printJson(context, model)
  context.stdout.write(`Updated ${name}. ${sayCorrections(model)}\n`)
}

export async function runModelsShow(
  context: CommandContext,
  { name, version, json }: Named & { readonly version: string | undefined },
): Promise<void> {
  const card = await withRegistry(context, (registry, store) =>
    readModelCard(registry, store, name, version),
  )
  if (json) return printJson(context, card)
  context.stdout.write(renderModelCard(card))
}

export async function runModelsDelete(
  context: CommandContext,
  { name, force, dryRun, json }: Named & { readonly force: boolean; readonly dryRun: boolean },
): Promise<void> {
  const gone = await withRegistry(context, (_registry, store) =>
    removeModel(store, name, { force, dryRun }),
  )
  if (json) return printJson(context, gone)
  const verb = dryRun ? 'Would delete' : 'Deleted'
  context.stdout.write(
    `${verb} ${name}: ${plural(gone.versions, 'version')}, ${plural(gone.changes, 'change')} of its default, ${plural(gone.corrections, 'corrected photo')}.\n`,
  )
}

const sayCorrections = ({ keepCorrections }: Model): string =>
  keepCorrections ? 'Corrected photos are kept.' : 'Corrected photos are not kept.'
