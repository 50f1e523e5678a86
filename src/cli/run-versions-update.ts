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
