/** Checks, before a version answers for the first time, that this machine computes what the version was trained on. */
import type { Backbone } from '../backbones/catalog.ts'
import { checkBackbone } from '../bundles/check-backbone.ts'
import { checkProbe } from '../bundles/golden.ts'
import { meanOf } from '../features/featurize-photos.ts'
import type { Featurizer } from '../features/featurizer.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'
import type { ServedModel } from './version-source.ts'

/** Gives a test that runs once per bundle and rejects with `backbone_differs` or `bundle_self_test_failed`. */
export function createSelfTest(
  backbone: Backbone,
  featurizer: Featurizer,
): (served: ServedModel) => Promise<void> {
  const tested = new Map<string, Promise<void>>()
  return ({ classifier, files }) => {
    let test = tested.get(classifier.id)
    if (test === undefined) {
      test = run()
      tested.set(classifier.id, test)
      // A full queue or a closing server says nothing about the bundle.
      test.catch(() => tested.delete(classifier.id))
    }
    return test

    async function run(): Promise<void> {
      const wanted = classifier.manifest.backbone
      checkBackbone(wanted, backbone)
      const views = await featurizer.run(PROBE_SCENE, ['features'], { views: wanted.views })
      const features = views.map((view) => view['features'] ?? new Float32Array())
      checkProbe(files, meanOf(features, wanted.features))
    }
  }
}
