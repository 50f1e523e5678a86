import type { Backbone } from '../backbones/catalog.ts'
import { checkBackbone } from '../bundles/check-backbone.ts'
import { loadClassifier } from '../bundles/classifier.ts'
import { checkProbe } from '../bundles/golden.ts'
import type { BundleFiles } from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import { meanOf } from '../features/featurize-photos.ts'
import { openFeaturizer } from '../features/featurizer.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'

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
