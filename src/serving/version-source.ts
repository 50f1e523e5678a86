/** Where the classifiers come from that answer: the registry, or one bundle. */

import { type Classifier, loadClassifier } from '../bundles/classifier.ts'
import { BUNDLE_EXTRAS, type BundleFiles } from '../bundles/verify-bundle.ts'
import type { Registry } from '../registry/registry.ts'
import type { Answerer } from './answer.ts'

export interface ServedModel {
  readonly classifier: Classifier
  readonly files: BundleFiles
  readonly answerer: Answerer
}

export interface VersionSource {
  /**
   * The version that answers for a model, or what answers where none is named; undefined leaves it to the backbone.
   * Throws `model_unknown`, `version_unknown`, `model_has_no_version` or an error of the bundle.
   */
  find(model: string | undefined, version: string | undefined): Promise<ServedModel | undefined>
}

/** Bundles that stay in memory once loaded, about a megabyte each. */
const KEPT = 64

/** Versions of a registry. The default is read at every call, so a switch by another process is seen at once. */
export function registryVersions(registry: Registry, fallback?: string): VersionSource {
  const loaded = new Map<string, Promise<Loaded>>()
  return {
    async find(named, versionName) {
      const model = named ?? fallback
      if (model === undefined) return undefined
      const version = await registry.resolveVersion(model, versionName)
      let bundle = loaded.get(version.bundle)
      loaded.delete(version.bundle)
      bundle ??= loadVersion(registry, version)
      // Put behind the others, so that the one that was not asked for longest goes first; failures are not kept.
      loaded.set(version.bundle, bundle)
      bundle.catch(() => loaded.delete(version.bundle))
      const [oldest] = loaded.keys()
      if (loaded.size > KEPT && oldest !== undefined) loaded.delete(oldest)
      return { ...(await bundle), answerer: { model, version: version.name } }
    },
  }
}

type Loaded = Pick<ServedModel, 'classifier' | 'files'>

async function loadVersion(
  registry: Registry,
  version: Awaited<ReturnType<Registry['resolveVersion']>>,
): Promise<Loaded> {
  const extras: readonly string[] = BUNDLE_EXTRAS
  const names = Object.keys(version.files).filter((name) => !extras.includes(name))
  const files = new Map(
    await Promise.all(
      names.map(async (name) => [name, await registry.readVersionFile(version, name)] as const),
    ),
  )
  return { classifier: loadClassifier(files), files }
}

/** One bundle that answers everything. Throws an error of the bundle. */
export function bundleVersion(files: BundleFiles): VersionSource {
  const classifier = loadClassifier(files)
  const served = { classifier, files, answerer: { bundle: classifier.id } }
  return { find: async () => served }
}
