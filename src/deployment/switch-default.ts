/** Lets another version answer for its model, once it has shown that it can. */
import type { Change, DefaultChange, Registry } from '../registry/registry.ts'
import type { ServingHost } from '../serving/serving-host.ts'

/**
 * Loads and tests a version, and makes it the default then; nothing changes where it fails, and the error says why.
 * Gives the change, or undefined where the version is the default already.
 */
export async function switchDefault(
  host: Pick<ServingHost, 'describe'>,
  registry: Registry,
  model: string,
  version: string,
  change: Change = {},
): Promise<DefaultChange | undefined> {
  const startMs = performance.now()
  await host.describe(model, version)
  const tookMs = Math.round((performance.now() - startMs) * 10) / 10
  return registry.setDefault(model, version, { tookMs, ...change })
}
