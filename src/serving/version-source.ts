/** Where the classifiers come from that answer: the registry, or one bundle. */
import type { Backbone } from '../backbones/catalog.ts'
import { provideBackbone, type WantedBackbone } from '../backbones/portable-backbones.ts'
import {
  BUNDLE_EXTRAS,
  type BundleFiles,
  bundleId,
  verifyBundle,
} from '../bundles/verify-bundle.ts'
import { VergerError } from '../core/errors.ts'
import type { Model, Registry, Version } from '../registry/registry.ts'
import type { BlobStore } from '../store/blob-store.ts'
import type { ChangeFeed } from '../store/changes.ts'
import type { Answerer } from './answer.ts'

/** A version that may answer; nothing of it is loaded yet. */
export interface OfferedVersion {
  readonly answerer: Answerer
  /** Id of its bundle: the same id is the same classifier. */
  readonly bundle: string
  /** Reads its files. Rejects with an error of the registry. */
  read(): Promise<BundleFiles>
  /** Finds the backbone that its bundle names, and gets the one that it carries where it is not here. */
  backbone?(wanted: WantedBackbone): Promise<Backbone>
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

/** What versions are read with. */
export interface VersionReader {
  readonly registry: Registry
  /** Where backbones lie that versions carry, and the home that they are got into. */
  readonly blobs: BlobStore
  readonly home: string
}

/** Versions of a registry. */
export function registryVersions(reader: VersionReader, changes?: ChangeFeed): VersionSource {
  const { registry } = reader
  const offer = (version: Version): OfferedVersion => offerVersion(reader, version)
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
      return { answering: offer(answering), ...(await trialsOf(reader, settings)) }
    },
    ...(changes === undefined ? {} : { watch: (onChange) => changes.watch(onChange) }),
  }
}

async function trialsOf(
  reader: VersionReader,
  { name, canary, shadow }: Model,
): Promise<Pick<Offer, 'canary' | 'shadow'>> {
  const find = async (version: string | undefined) => {
    if (version === undefined) return undefined
    try {
      return offerVersion(reader, await reader.registry.resolveVersion(name, version))
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

function offerVersion(reader: VersionReader, version: Version): OfferedVersion {
  return {
    answerer: { model: version.model, version: version.name },
    bundle: version.bundle,
    read: () => readFiles(reader.registry, version),
    backbone: (wanted) => provideBackbone(wanted, { ...reader, files: version.backboneFiles }),
  }
}

/** The files of a version that it answers with, without its report. Throws `blob_missing`, `blob_damaged`. */
async function readFiles(registry: Registry, version: Version): Promise<BundleFiles> {
  const extras: readonly string[] = BUNDLE_EXTRAS
  const names = Object.keys(version.files).filter((name) => !extras.includes(name))
  const read = async (name: string) =>
    [name, await registry.readVersionFile(version, name)] as const
  return new Map(await Promise.all(names.map(read)))
}

/** The same, with the backbone that it stands on brought to this machine. Throws like `provideBackbone` too. */
export async function readVersion(
  reader: VersionReader,
  version: Version,
): Promise<{ readonly files: BundleFiles; readonly backbone: Backbone }> {
  const files = await readFiles(reader.registry, version)
  const { backbone: wanted } = verifyBundle(files)
  const backbone = await provideBackbone(wanted, { ...reader, files: version.backboneFiles })
  return { files, backbone }
}

export interface BundleVersionOptions {
  /** By default the id of the bundle. */
  readonly named?: Answerer | undefined
  /** The backbone that it names; by default that of the home. */
  readonly backbone?: Backbone | undefined
}

/** One bundle that answers everything. Throws an error of the bundle. */
export function bundleVersion(
  files: BundleFiles,
  { named, backbone }: BundleVersionOptions = {},
): VersionSource {
  verifyBundle(files)
  const id = bundleId(files)
  const answering: OfferedVersion = {
    answerer: named ?? { bundle: id },
    bundle: id,
    read: async () => files,
    ...(backbone === undefined ? {} : { backbone: async () => backbone }),
  }
  return { revision: () => id, find: async () => ({ answering }) }
}
