import { type Amount, collectGarbage, type Garbage } from '../registry/collect-garbage.ts'
import { removeStaleUploads } from '../store/upload-folder.ts'
import type { CommandContext } from './context.ts'
import { printJson } from './print-json.ts'
import { plural } from './render.ts'
import { formatBytes } from './render-dataset.ts'
import { withRegistry } from './with-registry.ts'

export async function runGc(
  context: CommandContext,
  { dryRun, json }: { readonly dryRun: boolean; readonly json: boolean },
): Promise<void> {
  const garbage = await withRegistry(context, (_registry, store) =>
    collectGarbage(store, { dryRun }),
  )
  if (!dryRun) await removeStaleUploads(context.config.home)
  if (json) return printJson(context, { dryRun, ...garbage })
  context.stdout.write(describe(garbage, dryRun))
}

function describe({ expired, removed, young, kept }: Garbage, dryRun: boolean): string {
  const verb = dryRun ? 'Would remove' : 'Removed'
  const lines = Object.entries(expired).map(
    ([model, count]) =>
      `${verb} ${plural(count, 'corrected photo')} of ${model}, which it keeps no longer.`,
  )
  lines.push(`${verb} ${say(removed)} that nothing refers to; ${say(kept)} ${are(kept)} in use.`)
  if (young.count > 0) lines.push(`${say(young)} ${are(young)} too young to say.`)
  return `${lines.join('\n')}\n`
}

const are = ({ count }: Amount): string => (count === 1 ? 'is' : 'are')

const say = ({ count, sizeBytes }: Amount): string =>
  `${plural(count, 'file')} (${formatBytes(sizeBytes)})`
