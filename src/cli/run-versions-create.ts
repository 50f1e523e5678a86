/** Makes a version of what lies somewhere: fetched, read, tested, registered. */
import { bundleId } from '../bundles/verify-bundle.ts'
import { testSource } from '../deployment/create-version.ts'
import { openSource } from '../deployment/open-source.ts'
import { createTrialHost } from '../deployment/trial-host.ts'
import type { ScalingName } from '../importing/import-task.ts'
import { readLabels } from '../importing/parse-labels.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { Registry } from '../registry/registry.ts'
import { hasRegistry } from '../store/has-registry.ts'
import type { CommandContext } from './context.ts'
import { withModels } from './models-api.ts'
import { narrateSource, resolveOrigin } from './narrate-source.ts'
import { parseKeyValues } from './parse-key-values.ts'
import { printJson } from './print-json.ts'
import { shortId } from './render-dataset.ts'
import type { ServerAddress } from './server-choice.ts'
import { withTemporaryHome } from './with-temporary-home.ts'

export interface VersionsCreatePlan {
  /** Undefined stands for this machine. */
  readonly server: ServerAddress | undefined
  /** `model` or `model/version`. */
  readonly path: string
  readonly from: string
  readonly description?: string | undefined
  /** `key=value`. */
  readonly label: readonly string[]
  /** Names of the classes, as the command line has them. */
  readonly labels?: string | undefined
  readonly scaling?: ScalingName | undefined
  readonly licence?: string | undefined
  readonly setDefault: boolean
  readonly why?: string | undefined
  readonly dryRun: boolean
  readonly json: boolean
}

export async function runVersionsCreate(
  context: CommandContext,
  plan: VersionsCreatePlan,
): Promise<void> {
  const { cwd } = context
  const { scaling, licence, description, why, setDefault } = plan
  const target = parseVersionPath(plan.path)
  const labels = parseKeyValues(plan.label, '--label')
  const classes = plan.labels === undefined ? undefined : await readLabels(plan.labels, cwd)
  const facts = { labels: classes, scaling, licence }
  const from = resolveOrigin(plan.from, cwd)
  if (plan.dryRun) return tryOut(context, plan, from, facts)
  const narrator = narrateSource(context)
  const { version, defaultVersion } = await withModels(context, plan.server, async (models) => {
    const version = await models.createVersion(
      {
        ...{ ...target, from, facts, labels, setDefault },
        ...(description === undefined ? {} : { description }),
        ...(why === undefined ? {} : { why }),
      },
      narrator,
    )
    return { version, defaultVersion: (await models.getModel(target.model)).defaultVersion }
  }).finally(narrator.clear)
  const isDefault = defaultVersion === version.name
  if (plan.json) return printJson(context, { ...version, isDefault })
  const answers = isDefault ? 'It answers' : `${defaultVersion} still answers`
  context.stdout.write(
    `Registered ${version.model}/${version.name}, bundle ${shortId(version.bundle)}. ${answers} for ${version.model}.\n`,
  )
}

/** Does all but to keep anything. */
async function tryOut(
  context: CommandContext,
  { server, path, json }: VersionsCreatePlan,
  from: string,
  facts: Parameters<typeof openSource>[1],
): Promise<void> {
  const { config, stdout } = context
  const target = parseVersionPath(path)
  const narrator = narrateSource(context)
  await withTemporaryHome(async (madeIn) => {
    const source = await openSource(from, facts, { ...config, ...narrator, madeIn })
    const test = (registry: Pick<Registry, 'resolveVersion'> | undefined) =>
      testSource({ registry, host: createTrialHost(config.limits) }, source, target, narrator)
    // A trial makes no registry.
    const isThere = server !== undefined || (await hasRegistry(config))
    await (isThere ? withModels(context, server, test) : test(undefined))
    narrator.clear()
    const bundle = bundleId(source.files)
    const { model, version } = target
    if (json) return printJson(context, { dryRun: true, model, version: version ?? null, bundle })
    stdout.write(
      `Would register ${path}, bundle ${shortId(bundle)}: it answers here as it should.\n`,
    )
  }).finally(narrator.clear)
}
