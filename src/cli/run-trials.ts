/** Versions on trial: a canary, which answers a share of the requests, and a shadow, which is compared and never answers. */
import { VergerError } from '../core/errors.ts'
import { parseVersionPath } from '../registry/names.ts'
import type { Change, Model } from '../registry/registry.ts'
import type { CommandContext } from './context.ts'
import { type ModelsApi, withModels } from './models-api.ts'
import { printJson } from './print-json.ts'
import type { ServerAddress } from './server-choice.ts'

interface TrialPlan {
  readonly server: ServerAddress | undefined
  /** `fruits/v2`, or `fruits` where the trial ends. */
  readonly path: string
  /** Ends the trial. */
  readonly isOff: boolean
  readonly why?: string | undefined
  readonly json: boolean
}

/** Throws `usage_invalid` where neither a share nor an end is asked for, or both. */
export async function runVersionsCanary(
  context: CommandContext,
  { percent, ...plan }: TrialPlan & { readonly percent: number | undefined },
): Promise<void> {
  const { model, version } = parseTrial('canary', plan)
  if (plan.isOff === (percent !== undefined)) {
    const received = plan.isOff ? 'both' : 'neither'
    throw new VergerError(
      'usage_invalid',
      `Expected either --percent or --off, received ${received}`,
      {
        hint: `verger versions canary ${model}/v2 --percent 10`,
      },
    )
  }
  const canary = version === undefined || percent === undefined ? undefined : { version, percent }
  const said =
    canary === undefined
      ? `No canary answers for ${model} any more.\n`
      : `${version} answers ${percent} % of the requests for ${model} that name no version.\n`
  await change(context, plan, said, (models, why) => models.setCanary(model, canary, why))
}

export async function runVersionsShadow(context: CommandContext, plan: TrialPlan): Promise<void> {
  const { model, version } = parseTrial('shadow', plan)
  const said =
    version === undefined
      ? `No shadow is compared for ${model} any more.\n`
      : `${version} is compared with the version that answers for ${model}; verger_shadow_comparisons_total in /metrics counts where they differ.\n`
  await change(context, plan, said, (models, why) => models.setShadow(model, version, why))
}

async function change(
  context: CommandContext,
  { server, why, json }: TrialPlan,
  said: string,
  make: (models: ModelsApi, reason: Change) => Promise<Model>,
): Promise<void> {
  const reason = why === undefined ? {} : { why }
  const model = await withModels(context, server, (models) => make(models, reason))
  if (json) return printJson(context, model)
  context.stdout.write(said)
}

function parseTrial(
  trial: string,
  { path, isOff }: TrialPlan,
): { readonly model: string; readonly version: string | undefined } {
  const { model, version } = parseVersionPath(path)
  if (isOff === (version === undefined)) return { model, version }
  throw new VergerError(
    'usage_invalid',
    isOff
      ? `Expected MODEL beside --off, received ${path}`
      : `Expected MODEL/VERSION, received ${path}`,
    {
      hint: isOff ? `verger versions ${trial} ${model} --off` : `verger versions list ${model}`,
    },
  )
}
