/** Lets another version answer for its model, once it has shown that it can. */
import type { Change, DefaultChange, Registry } from '../registry/registry.ts'
import type { VersionDescriber } from './trial-host.ts'

/**
 * Loads and tests a version, and makes it the default then; nothing changes where it fails, and the error says why.
 * Gives the change, or undefined where the version is the default already.
 */
export async function switchDefault(
  host: VersionDescriber,
  registry: Registry,
  model: string,
  version: string,
  change: Change = {},
): Promise<DefaultChange | undefined> {
  const tookMs = await prepare(host, model, version)
  return registry.setDefault(model, version, { tookMs, ...change })
}

/**
 * Lets the default before answer again, once it has been loaded and tested; nothing changes where it fails.
 * Throws `rollback_impossible` where there is none.
 */
export async function rollBack(
  host: VersionDescriber,
  registry: Registry,
  model: string,
  change: Change = {},
): Promise<DefaultChange> {
  const tookMs = await prepare(host, model, await registry.rollbackTarget(model))
  return registry.rollback(model, { tookMs, ...change })
}

/** Gives the milliseconds that it took. */
async function prepare(host: VersionDescriber, model: string, version: string): Promise<number> {
  const startMs = performance.now()
  await host.describe(model, version)
  return Math.round((performance.now() - startMs) * 10) / 10
}
