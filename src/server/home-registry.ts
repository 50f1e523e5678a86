/**
 * The registry of a home folder, as a server uses it: opened when there is one, and not made where there is none, so that
 * a server of a bare backbone writes nothing.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { VergerError } from '../core/errors.ts'
import type { Correction, NewCorrection } from '../registry/corrections.ts'
import type { Registry } from '../registry/registry.ts'
import { registryVersions, type VersionSource } from '../serving/version-source.ts'
import type { Store } from '../store/store.ts'

export interface OpenedRegistry {
  readonly registry: Registry
  readonly store: Store
  readonly versions: VersionSource
  /** See `registry/corrections.ts`. */
  addCorrection(correction: NewCorrection): Promise<Correction>
  close(): Promise<void>
}

export interface HomeRegistry {
  /** Opens the registry and makes one where there is none: for what writes. Throws like `find`. */
  open(): Promise<OpenedRegistry>
  /** Opens the registry where there is one by now. Throws `registry_damaged`, `registry_newer`, `registry_busy`, `write_failed`. */
  find(): Promise<OpenedRegistry | undefined>
  /** Throws like `find`, and `model_unknown` where there is no registry and so no model. */
  require(model: string): Promise<OpenedRegistry>
  /** Models that another process registers, and defaults that it switches, are seen at the next call. */
  readonly versions: VersionSource
  close(): Promise<void>
}

export function createHomeRegistry(home: string): HomeRegistry {
  let opening: Promise<OpenedRegistry> | undefined

  function open(): Promise<OpenedRegistry> {
    opening ??= openRegistry(home).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  async function find(): Promise<OpenedRegistry | undefined> {
    if (opening === undefined && !(await exists(join(home, 'verger.db')))) return undefined
    return open()
  }

  async function require(model: string): Promise<OpenedRegistry> {
    const opened = await find()
    if (opened !== undefined) return opened
    throw new VergerError(
      'model_unknown',
      `Expected the name of a model, received ${JSON.stringify(model)}; there is none`,
      { hint: 'verger train DATASET --register NAME makes one.', details: { model, models: [] } },
    )
  }

  return {
    open,
    find,
    require,
    versions: {
      async find(model, version) {
        if (model === undefined) return undefined
        const { versions } = await require(model)
        return versions.find(model, version)
      },
    },
    async close() {
      const opened = await opening?.catch(() => undefined)
      opening = undefined
      await opened?.close()
    },
  }
}

/** Imported only here: the database takes as long to load as the rest of the server. */
async function openRegistry(home: string): Promise<OpenedRegistry> {
  const [{ openStore }, { createRegistry }, { addCorrection }] = await Promise.all([
    import('../store/store.ts'),
    import('../registry/registry.ts'),
    import('../registry/corrections.ts'),
  ])
  const store = await openStore(home)
  const registry = createRegistry(store)
  return {
    registry,
    store,
    versions: registryVersions(registry),
    addCorrection: (correction) => addCorrection(store, correction),
    close: () => store.close(),
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
