import { parseVersionPath } from '../registry/names.ts'
import type { Change, DefaultChange } from '../registry/registry.ts'
import { renderColumns } from './columns.ts'
import type { CommandContext } from './context.ts'
import { formatTime } from './formats.ts'
import { sayLabels } from './labels.ts'
import { withModels } from './models-api.ts'
import { printJson } from './print-json.ts'
import { printable } from './printable.ts'
import { plural } from './render.ts'
import { requireVersionPath } from './require-version-path.ts'
import type { ServerAddress } from './server-choice.ts'

/** `server` undefined stands for this machine. */
interface Asked {
  readonly server: ServerAddress | undefined
}

interface OfModel extends Asked {
  readonly model: string
  readonly json: boolean
}

interface OfVersion extends Asked {
  /** `fruits/v1`, or `fruits` where the version may be left out. */
  readonly path: string
  readonly json: boolean
}

interface Reason {
  readonly why?: string | undefined
}

export async function runVersionsList(
  context: CommandContext,
  { server, model: name, json }: OfModel,
): Promise<void> {
  const { stdout, stderr } = context
  const { versions, defaultVersion } = await withModels(context, server, async (models) => ({
    versions: await models.listVersions(name),
    defaultVersion: (await models.getModel(name)).defaultVersion,
  }))
  if (json) {
    return printJson(
      context,
      versions.map((version) => ({ ...version, isDefault: version.name === defaultVersion })),
    )
  }
  if (versions.length === 0) {
    stderr.write(
      `${name} has no version yet. verger versions create ${name} --from DIR makes one.\n`,
    )
    return
  }
  stdout.write(
    renderColumns(
      [
        { title: 'version' },
        { title: 'default' },
        { title: 'bundle' },
        { title: 'registered' },
        { title: 'description' },
      ],
      versions.map((version) => [
        version.name,
        version.name === defaultVersion ? 'yes' : '',
        version.bundle.slice(0, 12),
        formatTime(version.createdAt),
        printable(version.description),
      ]),
    ),
  )
}

export async function runVersionsShow(
  context: CommandContext,
  { server, path, json }: OfVersion,
): Promise<void> {
  const { model, version: name } = parseVersionPath(path)
  const { version, isDefault } = await withModels(context, server, async (models) => {
    const version = await models.resolveVersion(model, name)
    const { defaultVersion } = await models.getModel(model)
    return { version, isDefault: version.name === defaultVersion }
  })
  if (json) return printJson(context, { ...version, isDefault })
  const { stdout } = context
  stdout.write(`${version.model}/${version.name}${isDefault ? ', the default' : ''}\n`)
  if (version.description !== '') stdout.write(`${printable(version.description)}\n`)
  stdout.write(`bundle      ${version.bundle}\n`)
  stdout.write(`registered  ${formatTime(version.createdAt)}\n`)
  const labels = sayLabels(version.labels)
  stdout.write(labels === '' ? '\n' : `labels      ${labels}\n\n`)
  stdout.write(
    renderColumns(
      [{ title: 'file' }, { title: 'SHA-256' }],
      Object.entries(version.files).map(([file, hash]) => [printable(file), hash]),
    ),
  )
}

export async function runVersionsSetDefault(
  context: CommandContext,
  { server, path, json, ...reason }: OfVersion & Reason,
): Promise<void> {
  const { model, version } = requireVersionPath(path)
  const change = await withModels(context, server, (models) =>
    models.setDefault(model, version, reasonOf(reason)),
  )
  if (json) return printJson(context, change ?? null)
  context.stdout.write(
    change === undefined ? `${version} already answers for ${model}.\n` : saySwitch(model, change),
  )
}

export async function runVersionsRollback(
  context: CommandContext,
  { server, model, json, ...reason }: OfModel & Reason,
): Promise<void> {
  const change = await withModels(context, server, (models) =>
    models.rollback(model, reasonOf(reason)),
  )
  if (json) return printJson(context, change)
  context.stdout.write(saySwitch(model, change))
}

export async function runVersionsHistory(
  context: CommandContext,
  { server, model, json }: OfModel,
): Promise<void> {
  const history = await withModels(context, server, (models) => models.readHistory(model))
  if (json) return printJson(context, history)
  if (history.length === 0) {
    context.stderr.write(`${model} never had a default version.\n`)
    return
  }
  // Nobody measured before there were servers that prepare a switch.
  const isTimed = history.some(({ tookMs }) => tookMs !== undefined)
  const took = (change: DefaultChange) => (isTimed ? [sayTook(change)] : [])
  context.stdout.write(
    renderColumns(
      [
        ...['when', 'who', 'from', 'to'].map((title) => ({ title })),
        ...(isTimed ? [{ title: 'took', align: 'right' as const }] : []),
        { title: 'why' },
      ],
      history.map((change) => [
        formatTime(change.at),
        printable(change.who),
        change.from ?? '-',
        `${change.to ?? '-'}${change.percent === undefined ? '' : `, ${change.percent} %`}`,
        ...took(change),
        printable(sayWhy(change)),
      ]),
    ),
  )
}

const sayTook = ({ tookMs }: DefaultChange): string =>
  tookMs === undefined ? '-' : `${tookMs.toFixed(tookMs < 10 ? 1 : 0)} ms`

/** What was done stands before the reason, unless it is the usual. */
const sayWhy = ({ kind, why }: DefaultChange): string =>
  kind === 'set' ? why : [kind, why].filter((text) => text !== '').join(': ')

export async function runVersionsDelete(
  context: CommandContext,
  { server, path, dryRun, json, ...reason }: OfVersion & Reason & { readonly dryRun: boolean },
): Promise<void> {
  const { model, version: name } = requireVersionPath(path)
  const version = await withModels(context, server, async (models) => {
    const version = await models.resolveVersion(model, name)
    await models.deleteVersion(model, name, { ...reasonOf(reason), dryRun })
    return version
  })
  if (json) return printJson(context, { ...version, isDeleted: !dryRun })
  const files = plural(Object.keys(version.files).length, 'file')
  context.stdout.write(`${dryRun ? 'Would delete' : 'Deleted'} ${model}/${name} (${files}).\n`)
}

const reasonOf = ({ why }: Reason): Change => (why === undefined ? {} : { why })

const saySwitch = (model: string, { from, to }: DefaultChange): string =>
  `${to} answers for ${model} from now on${from === undefined ? '' : `, in place of ${from}`}.\n`
