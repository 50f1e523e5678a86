/** Which versions answer with a backbone. */
import { BUNDLE_MANIFEST, parseBundleManifest } from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import type { CommandContext } from './context.ts'
import { withRegistry } from './with-registry.ts'

/** How many versions a message names. */
const NAMED = 5

/** Throws `backbone_in_use` naming versions that would not answer any more without the backbone. */
export async function refuseUsed(context: CommandContext, id: string): Promise<void> {
  const uses = await findUses(context, id)
  if (uses.length === 0) return
  const more = uses.length > NAMED ? ` and ${uses.length - NAMED} more` : ''
  throw new VergerError(
    'backbone_in_use',
    `Expected a backbone that no version needs, ${id} is needed by ${uses.slice(0, NAMED).join(', ')}${more}`,
    {
      hint: `Delete them first: verger versions delete ${uses[0]}.`,
      details: { versions: uses },
    },
  )
}

/** `model/version`, in the order of their names. */
function findUses(context: CommandContext, id: string): Promise<string[]> {
  return withRegistry(context, async (registry) => {
    const uses: string[] = []
    for (const { name } of await registry.listModels()) {
      for (const version of await registry.listVersions(name)) {
        const bytes = await registry.readVersionFile(version, BUNDLE_MANIFEST)
        if (parseBundleManifest(bytes).backbone.id === id) uses.push(`${name}/${version.name}`)
      }
    }
    return uses.sort()
  })
}
