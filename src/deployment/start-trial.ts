/** Tries a version beside the one that answers, once it has shown that it can. */
import { VergerError } from '../core/errors.ts'
import type { Canary, Change, Model, Registry } from '../registry/registry.ts'
import type { VersionDescriber } from './trial-host.ts'

/** Sends a share of the requests that name no version to another one, or no longer. Rejects with why it could not answer. */
export async function setCanary(
  host: VersionDescriber,
  registry: Registry,
  model: string,
  canary: Canary | undefined,
  change: Change = {},
): Promise<Model> {
  if (canary !== undefined) await host.describe(model, canary.version)
  return registry.setCanary(model, canary, change)
}

/**
 * Compares a version with the one that answers, or no longer. Rejects with why it could not answer, and `canary_invalid`
 * where it stands on another backbone: it would compute every photo twice.
 */
export async function setShadow(
  host: VersionDescriber,
  registry: Registry,
  model: string,
  version: string | undefined,
  change: Change = {},
): Promise<Model> {
  if (version !== undefined) {
    const [shadow, answering] = [await host.describe(model, version), await host.describe(model)]
    if (shadow.featuresId !== answering.featuresId) {
      throw new VergerError(
        'canary_invalid',
        `Expected a shadow on the backbone and views of ${model}/${answering.version} (${answering.backbone}), received ${model}/${version} on ${shadow.backbone}: it would compute every photo twice`,
        {
          hint: `verger versions canary ${model}/${version} --percent 5 tries it on a share of the requests.`,
          details: { model, version },
        },
      )
    }
  }
  return registry.setShadow(model, version, change)
}
