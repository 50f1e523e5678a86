/**
 * The registry as a server uses it: opened when there is one, and made only by who writes, so that a server of a bare
 * backbone writes nothing.
 */
import { VergerError } from '../core/errors.ts'
import type { Correction, NewCorrection } from '../registry/corrections.ts'
import type { Registry } from '../registry/registry.ts'
import { registryVersions, type VersionSource } from '../serving/version-source.ts'
import { hasRegistry } from '../store/has-registry.ts'
import type { Store, StoreConfig } from '../store/store.ts'
import { observeCalls } from './metrics/observe-calls.ts'
import type { Metrics } from './metrics.ts'

export interface OpenedRegistry {
  readonly registry: Registry
  readonly store: Store
  readonly versions: VersionSource
  /** See `registry/corrections.ts`. */
  addCorrection(correction: NewCorrection): Promise<Correction>
  close(): Promise<void>
}

export interface HomeRegistry {
  /** Opens the registry where there is one by now. Throws `registry_damaged`, `registry_newer`, `registry_busy`, `write_failed`. */
  find(): Promise<OpenedRegistry | undefined>
  /** Opens the registry, and creates it where there is none. Throws like `find`, and `disk_full`. */
  open(): Promise<OpenedRegistry>
  /** Throws like `find`, and `model_unknown` where there is no registry and so no model. */
  require(model: string): Promise<OpenedRegistry>
  /** Models that another process registers, and defaults that it switches, are seen at the next call. */
  readonly versions: VersionSource
  close(): Promise<void>
}

export function createHomeRegistry(config: StoreConfig, metrics: Metrics): HomeRegistry {
  let opening: Promise<OpenedRegistry> | undefined
  let opened: OpenedRegistry | undefined
  let unwatch = () => {}
  const watchers = new Set<() => void>()

  async function find(): Promise<OpenedRegistry | undefined> {
    return opening === undefined && !(await hasRegistry(config)) ? undefined : open()
  }

  function open(): Promise<OpenedRegistry> {
    opening ??= openRegistry(config, metrics).then(
      (registry) => {
        opened = registry
        unwatch = registry.store.changes.watch(() => {
          for (const onChange of watchers) onChange()
        })
        return registry
      },
      (error: unknown) => {
        opening = undefined
        throw error
      },
    )
    return opening
  }

  async function require(model: string): Promise<OpenedRegistry> {
    const opened = await find()
    if (opened !== undefined) return opened
    throw new VergerError(
      'model_unknown',
      `Expected the name of a model, received ${JSON.stringify(model)}; there is none`,
      {
        hint: 'verger models list shows every model; verger train DATASET --register NAME makes one.',
        details: { model, models: [] },
      },
    )
  }

  return {
    find,
    open,
    require,
    versions: {
      revision: () => opened?.versions.revision(),
      async find(model, version) {
        if (model === undefined) return undefined
        const { versions } = await require(model)
        return versions.find(model, version)
      },
      watch(onChange) {
        watchers.add(onChange)
        return () => watchers.delete(onChange)
      },
    },
    async close() {
      await opening?.catch(() => undefined)
      unwatch()
      opening = undefined
      await opened?.close()
      opened = undefined
    },
  }
}

/** Imported only here: the database takes as long to load as the rest of the server. */
async function openRegistry(
  config: StoreConfig,
  { registryCalls, blobCalls }: Metrics,
): Promise<OpenedRegistry> {
  const [{ openStore }, { createRegistry }, { addCorrection }] = await Promise.all([
    import('../store/store.ts'),
    import('../registry/registry.ts'),
    import('../registry/corrections.ts'),
  ])
  const opened = await openStore(config)
  const store: Store = {
    ...opened,
    blobs: observeCalls(opened.blobs, ({ seconds, ...labels }) =>
      blobCalls.observe(labels, seconds),
    ),
  }
  const registry = observeCalls(createRegistry(store), ({ seconds, ...labels }) =>
    registryCalls.observe(labels, seconds),
  )
  return {
    registry,
    store,
    versions: registryVersions({ registry, blobs: store.blobs, home: config.home }, store.changes),
    addCorrection: (correction) => addCorrection(store, correction),
    close: () => store.close(),
  }
}
