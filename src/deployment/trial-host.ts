import type { Backbone } from '../backbones/catalog.ts'
import { checkBackbone } from '../bundles/check-backbone.ts'
import { featuresId, loadClassifier } from '../bundles/classifier.ts'
import { checkProbe } from '../bundles/golden.ts'
import { BUNDLE_MANIFEST, type BundleFiles, parseBundleManifest } from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import { meanOf } from '../features/featurize-photos.ts'
import { openFeaturizer } from '../features/featurizer.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'
import type { ServedDescription } from '../serving/serving-host.ts'
import { readVersion, type VersionReader } from '../serving/version-source.ts'

/** Tests versions before anybody may ask for them: a serving host does, and so does the one below. */
export interface VersionTester {
  /** Rejects with an error of the bundle, `backbone_differs` or `bundle_self_test_failed`. */
  prepare(files: BundleFiles, backbone: Backbone): Promise<void>
}

/** Tests one version after another with a worker of its own, for programs that answer nobody. */
export function createTrialHost(limits: Limits): VersionTester {
  return {
    async prepare(files, backbone) {
      const { manifest } = loadClassifier(files)
      const { views, features } = manifest.backbone
      checkBackbone(manifest.backbone, backbone)
      const featurizer = openFeaturizer({ backbone, workers: 1, limits })
      try {
        const outputs = await featurizer.run(PROBE_SCENE, ['features'], { views })
        const seen = outputs.map((view) => view['features'] ?? new Float32Array())
        checkProbe(files, meanOf(seen, features))
      } finally {
        await featurizer.close()
      }
    },
  }
}

/** Says what a version is once it has shown that it can answer: a serving host does, and so does the one below. */
export interface VersionDescriber {
  /** Rejects with the reason why it cannot. */
  describe(
    model: string,
    version?: string,
  ): Promise<Pick<ServedDescription, 'version' | 'backbone' | 'featuresId'>>
}

/** Tests versions of a registry, for programs that answer nobody. */
export function createTrialDescriber(reader: VersionReader, limits: Limits): VersionDescriber {
  return {
    async describe(model, named) {
      const version = await reader.registry.resolveVersion(model, named)
      const { files, backbone } = await readVersion(reader, version)
      await createTrialHost(limits).prepare(files, backbone)
      const manifest = parseBundleManifest(files.get(BUNDLE_MANIFEST) ?? new Uint8Array())
      return { version: version.name, backbone: backbone.id, featuresId: featuresId({ manifest }) }
    },
  }
}
