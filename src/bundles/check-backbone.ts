/** Whether this Verger computes the features that a bundle was trained on. */
import type { Backbone } from '../backbones/catalog.ts'
import { VergerError } from '../core/errors.ts'
import { preprocessingHash } from '../images/preprocessing-hash.ts'
import type { BundleManifest } from './bundle-manifest.ts'

/** Throws `backbone_differs` naming both sides. */
export function checkBackbone(wanted: BundleManifest['backbone'], backbone: Backbone): void {
  const definition = preprocessingHash(backbone.network.input)
  if (wanted.sha256 === backbone.weights.sha256 && wanted.preprocessing === definition) return
  const short = (hash: string) => hash.slice(0, 12)
  throw new VergerError(
    'backbone_differs',
    `Expected ${wanted.id} with weights ${short(wanted.sha256)} and preprocessing ${short(wanted.preprocessing)}, this Verger has ${backbone.id} with ${short(backbone.weights.sha256)} and ${short(definition)}`,
    { hint: 'Use the Verger that trained the bundle, or train it again with this one.' },
  )
}
