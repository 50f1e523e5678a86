/** Imports a classifier that was made elsewhere, says what was recognised, and puts the bundle where it was asked for. */
import { join, resolve } from 'node:path'
import { formatDuration } from '../core/durations.ts'
import { VergerError } from '../core/errors.ts'
import { registerSource, type VersionNaming } from '../deployment/create-version.ts'
import { openSource } from '../deployment/open-source.ts'
import type { ReadSource } from '../deployment/read-source.ts'
import { createTrialHost } from '../deployment/trial-host.ts'
import type { ImportedModel } from '../importing/import-model.ts'
import type { ScalingName } from '../importing/import-task.ts'
import { readLabels } from '../importing/parse-labels.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { Version } from '../registry/registry.ts'
import type { CommandContext } from './context.ts'
import { refuseOccupied, writeBundleOnce } from './keep-bundle.ts'
import { narrateSource, resolveOrigin, type SourceNarrator } from './narrate-source.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { formatBytes, shortId } from './render-dataset.ts'
import type { ServerAddress } from './server-choice.ts'
import { withRegistry } from './with-registry.ts'
import { withTemporaryHome } from './with-temporary-home.ts'

export interface ModelsImportPlan {
  /** Where it is registered; undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  readonly path: string
  /** As the command line has it. */
  readonly labels: string | undefined
  /** `model` or `model/version`. */
  readonly register: string | undefined
  readonly setDefault: boolean
  readonly out: string | undefined
  readonly scaling: ScalingName | undefined
  readonly licence: string | undefined
  readonly dryRun: boolean
  readonly json: boolean
}

export async function runModelsImport(
  context: CommandContext,
  plan: ModelsImportPlan,
): Promise<void> {
  const { cwd, stdout } = context
  refuseDefaultWithoutName(plan)
  const target = plan.register === undefined ? undefined : parseVersionPath(plan.register)
  await refuseOccupied(context, plan.out)
  const labels = plan.labels === undefined ? undefined : await readLabels(plan.labels, cwd)
  const facts = { labels, scaling: plan.scaling, licence: plan.licence }
  const from = resolveOrigin(plan.path, cwd)
  const startMs = performance.now()
  const narrator = narrateSource(context)
  const open = (madeIn?: string) =>
    openForeign(from, facts, { ...context.config, ...narrator, madeIn }).finally(narrator.clear)
  if (plan.dryRun) {
    const { imported } = await withTemporaryHome(open)
    if (plan.json) printJson(context, { dryRun: true, ...describe(imported) })
    else stdout.write(`${renderImported(imported)}Would keep it as ${imported.backbone.id}.\n`)
    return
  }
  const use = async (madeIn?: string) => {
    const source = await open(madeIn)
    const { imported } = source
    const kept = await keep(context, plan, target, source, narrator).finally(narrator.clear)
    if (plan.json) return printJson(context, { ...describe(imported), ...describeKept(kept) })
    const elapsed = formatDuration(performance.now() - startMs)
    stdout.write(`${renderImported(imported)}${renderKept(imported, kept, elapsed, plan)}`)
  }
  // What a server gets is not kept here.
  await (plan.server === undefined ? use() : withTemporaryHome(use))
}

type ForeignSource = ReadSource & { readonly imported: ImportedModel }

/** Throws like `openSource`, and `source_invalid` where a bundle lies there. */
async function openForeign(...args: Parameters<typeof openSource>): Promise<ForeignSource> {
  const { imported, ...source } = await openSource(...args)
  if (imported !== undefined) return { ...source, imported }
  throw new VergerError(
    'source_invalid',
    `Expected a classifier that was made elsewhere in ${args[0]}, found a bundle of Verger`,
    { hint: `verger versions create fruits/v1 --from ${args[0]}` },
  )
}

function refuseDefaultWithoutName({ setDefault, register }: ModelsImportPlan): void {
  if (!setDefault || register !== undefined) return
  throw new VergerError(
    'usage_invalid',
    'Expected --register beside --set-default, received none',
    {
      hint: 'verger models import PATH --register fruits/v1 --set-default',
    },
  )
}

type NamedVersion = Pick<Version, 'model' | 'name'>

interface Kept {
  readonly version: NamedVersion | undefined
  readonly isDefault: boolean
  /** Folder of the bundle; undefined where the registry alone has it. */
  readonly folder: string | undefined
}

async function keep(
  context: CommandContext,
  { out, setDefault, server }: ModelsImportPlan,
  target: ReturnType<typeof parseVersionPath> | undefined,
  source: ForeignSource,
  narrator: SourceNarrator,
): Promise<Kept> {
  const { config, cwd } = context
  const { files, bundle, backbone } = source.imported
  const home = join(config.home, 'bundles', shortId(bundle))
  const place = out === undefined ? (target === undefined ? home : undefined) : resolve(cwd, out)
  const folder = place === undefined ? undefined : await writeBundleOnce(files, place)
  if (target === undefined) return { version: undefined, isDefault: false, folder }
  const naming = { ...target, setDefault, why: `imported from ${backbone.readAs}` }
  if (server !== undefined) {
    const version = await registerOnServer(server, source, naming, narrator)
    return { version, isDefault: version.isDefault, folder }
  }
  return withRegistry(context, async (registry, { blobs }) => {
    const host = createTrialHost(config.limits)
    const version = await registerSource({ registry, blobs, host }, source, naming)
    const isDefault = (await registry.resolveVersion(version.model)).name === version.name
    return { version, isDefault, folder }
  })
}

async function registerOnServer(
  address: ServerAddress,
  source: ForeignSource,
  naming: VersionNaming,
  narrator: SourceNarrator,
): Promise<NamedVersion & { readonly isDefault: boolean }> {
  const [{ openServer }, { uploadSource }] = await Promise.all([
    import('./ask-server.ts'),
    import('./upload-version.ts'),
  ])
  const server = openServer(address)
  return uploadSource(server, source, naming, narrator).finally(() => server.close())
}

function renderImported({ backbone, labels, bundle }: ImportedModel): string {
  const { source, readAs, network, licence, notes } = backbone
  const { size, mean, divisor } = network.input
  const rows: readonly (readonly [string, string])[] = [
    ['read', `${readAs}, ${formatBytes(source.sizeBytes)}, SHA-256 ${shortId(source.sha256)}…`],
    ['input', `${size} × ${size} pixels, (level − ${say(mean)}) / ${say(divisor)}`],
    ['features', String(network.outputs['features']?.width ?? 0)],
    [
      'labels',
      `${labels.length}: ${labels.slice(0, 4).join(', ')}${labels.length > 4 ? ' …' : ''}`,
    ],
    ['licence', licence],
    ['bundle', shortId(bundle)],
    ...notes.map((note) => ['note', note] as const),
  ]
  return rows.map(([key, value]) => `  ${key.padEnd(9)} ${printable(value)}\n`).join('')
}

const say = (value: number | readonly number[]): string =>
  [value]
    .flat()
    .map((each) => String(Number(each.toPrecision(6))))
    .join(', ')

function renderKept(
  { backbone, isNew }: ImportedModel,
  { version, isDefault, folder }: Kept,
  elapsed: string,
  { server }: Pick<ModelsImportPlan, 'server'>,
): string {
  const lines = [
    isNew || server !== undefined
      ? `Imported as ${backbone.id} in ${elapsed}`
      : `${backbone.id} was here already`,
  ]
  if (version !== undefined) {
    const named = `${version.model}/${version.name}`
    lines.push(`Registered as ${named}${isDefault ? `, the default of ${version.model}` : ''}`)
  }
  if (folder !== undefined) lines.push(`Bundle in ${folder}`)
  const answerer =
    version === undefined
      ? `--bundle ${folder}`
      : `--model ${version.model} --version ${version.name}${server === undefined ? '' : ` --server ${server.url}`}`
  lines.push(`Next: verger predict PHOTO ${answerer}`)
  return `${lines.join('\n')}\n`
}

function describe({ backbone, labels, bundle, isNew }: ImportedModel) {
  const { id, network, source, readAs, licence, notes } = backbone
  const { input, outputs } = network
  const features = outputs['features']?.width ?? 0
  return { backbone: id, bundle, isNew, readAs, source, input, features, labels, licence, notes }
}

const describeKept = ({ version, isDefault, folder }: Kept) => ({
  model: version?.model ?? null,
  version: version?.name ?? null,
  isDefault,
  folder: folder ?? null,
})
