/** Where the classifiers come from that answer: the registry, or one bundle. */
import type { Backbone } from '../backbones/catalog.ts'
import {
  BUNDLE_EXTRAS,
  type BundleFiles,
  bundleId,
  verifyBundle,
} from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import type { Model, Registry, Version } from '../registry/registry.ts'
import type { ChangeFeed } from '../store/changes.ts'
import type { Answerer } from './answer.ts'

/** A version that may answer; nothing of it is loaded yet. */
export interface OfferedVersion {
  readonly answerer: Answerer
  /** Id of its bundle: the same id is the same classifier. */
  readonly bundle: string
  /** Reads its files. Rejects with an error of the registry. */
  read(): Promise<BundleFiles>
  /** The backbone that it brought with it, where it did. */
  backbone?(): Promise<Backbone | undefined>
}

/** Who answers for a model. */
export interface Offer {
  readonly answering: OfferedVersion
  /** Gets a share of the requests that name no version. */
  readonly canary?: { readonly offered: OfferedVersion; readonly percent: number }
  /** Is asked beside the one that answers, for comparison. */
  readonly shadow?: OfferedVersion
}

export interface VersionSource {
  /** Another text whenever `find` may give something else; undefined: ask each time. Cheap enough for every photo. */
  revision(): string | undefined
  /**
   * Who answers for a version, for a model by its default, or where no model is named; undefined leaves it to the
   * backbone. Throws `model_unknown`, `version_unknown`, `model_has_no_version` or an error of the registry.
   */
  find(model: string | undefined, version: string | undefined): Promise<Offer | undefined>
  /** Calls back soon after a change by anybody. Gives the function that ends it. */
  watch?(onChange: () => void): () => void
}

/** Versions of a registry. */
export function registryVersions(registry: Registry, changes?: ChangeFeed): VersionSource {
  const offer = (version: Version): OfferedVersion => offerVersion(registry, version)
  return {
    revision: () => changes?.revision(),
    async find(model, named) {
      if (model === undefined) return undefined
      if (named !== undefined)
        return { answering: offer(await registry.resolveVersion(model, named)) }
      const [answering, settings] = [
        await registry.resolveVersion(model),
        await registry.getModel(model),
      ]
      return { answering: offer(answering), ...(await trialsOf(registry, settings)) }
    },
    ...(changes === undefined ? {} : { watch: (onChange) => changes.watch(onChange) }),
  }
}

async function trialsOf(
  registry: Registry,
  { name, canary, shadow }: Model,
): Promise<Pick<Offer, 'canary' | 'shadow'>> {
  const find = async (version: string | undefined) => {
    if (version === undefined) return undefined
    try {
      return offerVersion(registry, await registry.resolveVersion(name, version))
    } catch (error) {
      // Taken off and deleted since the model was read.
      if (error instanceof VergerError && error.code === 'version_unknown') return undefined
      throw error
    }
  }
  const [onTrial, beside] = [await find(canary?.version), await find(shadow)]
  return {
    ...(canary === undefined || onTrial === undefined
      ? {}
      : { canary: { offered: onTrial, percent: canary.percent } }),
    ...(beside === undefined ? {} : { shadow: beside }),
  }
}

function offerVersion(registry: Registry, version: Version): OfferedVersion {
  return {
    answerer: { model: version.model, version: version.name },
    bundle: version.bundle,
    read: () => readVersion(registry, version),
  }
}

/** The files of a version that it answers with, without its report. Throws `blob_missing`, `blob_damaged`. */
export async function readVersion(registry: Registry, version: Version): Promise<BundleFiles> {
  const extras: readonly string[] = BUNDLE_EXTRAS
  const names = Object.keys(version.files).filter((name) => !extras.includes(name))
  const read = async (name: string) =>
    [name, await registry.readVersionFile(version, name)] as const
  return new Map(await Promise.all(names.map(read)))
}

/** One bundle that answers everything, under its id or the name that is given. Throws an error of the bundle. */
export function bundleVersion(files: BundleFiles, named?: Answerer): VersionSource {
  verifyBundle(files)
  const id = bundleId(files)
  const answering: OfferedVersion = {
    answerer: named ?? { bundle: id },
    bundle: id,
    read: async () => files,
  }
  return { revision: () => id, find: async () => ({ answering }) }
}
