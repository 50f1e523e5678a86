/** What is said of a version, and the versions on trial. */
import { VergerError } from '../core/errors.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { Change, Model } from '../registry/registry.ts'
import type { CommandContext } from './context.ts'
import { changeLabels } from './labels.ts'
import { withModels } from './models-api.ts'
import { printJson } from './print-json.ts'
import { requireVersionPath } from './require-version-path.ts'
import type { ServerAddress } from './server-choice.ts'

interface Asked {
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  /** `fruits/v1`. */
  readonly path: string
  readonly json: boolean
}

interface UpdatePlan extends Asked {
  readonly description?: string | undefined
  /** `key=value`, or `key=` for one that goes. */
  readonly label: readonly string[]
}

export async function runVersionsUpdate(
  context: CommandContext,
  { server, path, description, label, json }: UpdatePlan,
): Promise<void> {
  const { model, version: name } = requireVersionPath(path)
  const version = await withModels(context, server, async (models) => {
    const { labels, etag } = await models.resolveVersion(model, name)
    const settings = {
      ...(description === undefined ? {} : { description }),
      ...(label.length === 0 ? {} : { labels: changeLabels(labels, label) }),
    }
    return models.updateVersion(model, name, settings, { ifMatch: etag })
  })
  if (json) return printJson(context, version)
  context.stdout.write(`Updated ${model}/${name}.\n`)
}

interface TrialPlan extends Asked {
  /** End it; then a model is enough. */
  readonly off: boolean
  readonly why?: string | undefined
}

export async function runVersionsCanary(
  context: CommandContext,
  { server, path, percent, off, why, json }: TrialPlan & { readonly percent: number | undefined },
): Promise<void> {
  if ((percent === undefined) !== off) {
    throw new VergerError('usage_invalid', 'Expected either --percent or --off', {
      hint: 'For example: verger versions canary fruits/v2 --percent 5',
    })
  }
  const { model, version } = off ? parseVersionPath(path) : requireVersionPath(path)
  const canary = version === undefined || percent === undefined ? undefined : { version, percent }
  const after = await withModels(context, server, (models) =>
    models.setCanary(model, off ? undefined : canary, reasonOf(why)),
  )
  if (json) return printJson(context, after)
  context.stdout.write(
    after.canary === undefined
      ? `${model} has no canary.\n`
      : `${after.canary.version} answers ${after.canary.percent} % of what asks ${model} for no version.\n`,
  )
}

export async function runVersionsShadow(
  context: CommandContext,
  { server, path, off, why, json }: TrialPlan,
): Promise<void> {
  const { model, version } = off ? parseVersionPath(path) : requireVersionPath(path)
  const after: Model = await withModels(context, server, (models) =>
    models.setShadow(model, off ? undefined : version, reasonOf(why)),
  )
  if (json) return printJson(context, after)
  context.stdout.write(
    after.shadow === undefined
      ? `${model} has no shadow.\n`
      : `${after.shadow} is compared with ${after.defaultVersion ?? 'nothing'} and never answers.\n`,
  )
}

const reasonOf = (why: string | undefined): Change => (why === undefined ? {} : { why })
