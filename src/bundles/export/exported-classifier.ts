import { type Backbone, findBackbone } from '../../backbones/catalog.ts'
import { findWantedBackbone } from '../../backbones/portable-backbones.ts'
import { requireClassNames } from '../../backbones/require-class-names.ts'
import { readBackboneWeights } from '../../features/backbone-weights.ts'
import type { View } from '../../features/views.ts'
import type { Scaling } from '../../learn/scaling.ts'
import type { Network } from '../../tensor/network.ts'
import type { Observation } from '../../tensor/quantize.ts'
import type { Weights } from '../../tensor/tensor.ts'
import { checkBackbone } from '../check-backbone.ts'
import { loadClassifier, readHead } from '../classifier.ts'
import type { BundleFiles } from '../verify-bundle.ts'

export interface ExportedClassifier {
  /** `inception-v3`, `fruits/v1`, or the id of a bundle. */
  readonly name: string
  readonly network: Network
  readonly weights: Weights
  /** Where convolutions compute in 8 bit: what was observed of them in float. */
  readonly observed?: Observation
  /** Names of the classes in the order of the probabilities. */
  readonly labels: readonly string[]
  /** What is computed of each photo; the outputs of the network are their mean. */
  readonly views: readonly View[]
  /** What reads the features; without one, the softmax of the network's own `logits` answers. */
  readonly head?: ExportedHead
  /** Where it comes from. */
  readonly origin: ExportOrigin
}

/** `transform(features) · weights + bias`, whose softmax are the probabilities. */
export interface ExportedHead {
  readonly scaling: Scaling
  /** `[features, labels]`, divided by the temperature. */
  readonly weights: Float32Array
  /** `[labels]`, divided by the temperature. */
  readonly bias: Float32Array
}

export interface ExportOrigin {
  readonly backbone: { readonly id: string; readonly sha256: string; readonly licence: string }
  /** Id of the bundle. */
  readonly bundle?: string
}

/** A backbone with its own classifier. Throws `backbone_unnamed` where it has none, `backbone_missing` or `backbone_damaged`. */
export async function exportBackbone(
  backbone: Backbone,
  home: string,
): Promise<ExportedClassifier> {
  requireClassNames(backbone)
  const { id, network, labels } = backbone
  return {
    name: id,
    network,
    ...(await readNumbers(backbone, home)),
    labels,
    views: [{ size: network.input.size, mirrored: false }],
    origin: { backbone: originOf(backbone) },
  }
}

/**
 * A bundle, with the backbone that it stands on. `name` is what people call it.
 * Throws `backbone_differs`, what finding the backbone throws, or an error of the bundle.
 */
export async function exportBundle(
  files: BundleFiles,
  name: string | undefined,
  home: string,
): Promise<ExportedClassifier> {
  const { id, manifest, labels } = loadClassifier(files)
  const backbone = findWantedBackbone(manifest.backbone, home)
  checkBackbone(manifest.backbone, backbone)
  const { scaling, temperature } = manifest.head
  const tensors = readHead(files)
  const divided = (tensor: string): Float32Array =>
    (tensors.get(tensor)?.data ?? new Float32Array()).map((value) => value / temperature)
  return {
    name: name ?? id,
    network: backbone.network,
    ...(await readNumbers(backbone, home)),
    labels,
    views: manifest.backbone.views,
    head: { scaling, weights: divided('weights'), bias: divided('bias') },
    origin: { backbone: originOf(backbone), bundle: id },
  }
}

/** Weights in float, and what 8 bit adds to them; those of a backbone in 8 bit are the ones that it was made from. */
async function readNumbers(
  backbone: Backbone,
  home: string,
): Promise<Pick<ExportedClassifier, 'weights' | 'observed'>> {
  const { quantization } = backbone
  if (quantization === undefined) return { weights: await readBackboneWeights(backbone) }
  const { input, layers, means } = quantization.observed
  return {
    weights: await readBackboneWeights(findBackbone(quantization.from, home)),
    observed: {
      input,
      layers,
      means: new Map(means.map(([layer, values]) => [layer, Float64Array.from(values)])),
    },
  }
}

const originOf = ({ id, weights }: Backbone): ExportOrigin['backbone'] => ({
  id,
  sha256: weights.sha256,
  licence: weights.licence,
})
