/** A network that has its own classifier → a bundle, so that it is served, evaluated and exported like a trained one. */
import { readFileSync } from 'node:fs'
import { type Backbone, resolveWeights } from '../backbones/catalog.ts'
import { denseKernel } from '../backbones/readers/foreign/permute.ts'
import { type BundleManifest, NEVER_UNKNOWN } from '../bundles/bundle-manifest.ts'
import { encodeBundle } from '../bundles/encode-bundle.ts'
import type { BundleFiles } from '../bundles/verify-bundle.ts'
import type { Limits } from '../core/config.ts'
import { VergerError } from '../core/errors.ts'
import { type Featurizer, openFeaturizer, type Photo } from '../features/featurizer.ts'
import { readWeights } from '../features/inference-graph.ts'
import { preprocessingHash } from '../images/preprocessing-hash.ts'
import { PROBE_JPEG, PROBE_SCENE } from '../images/probe-photos.ts'
import type { LinearHead } from '../learn/softmax-regression.ts'
import { requireWeight } from '../tensor/emit-onnx.ts'
import type { Network } from '../tensor/network.ts'
import type { Weights } from '../tensor/tensor.ts'

export interface NetworkBundlePlan {
  readonly backbone: Backbone
  /** Names of the classes in the order of the logits. */
  readonly labels: readonly string[]
  readonly imported: NonNullable<BundleManifest['imported']>
}

/**
 * Makes a bundle whose head is the last layer of the network, and runs the network once to remember its answers. Throws
 * `label_count_differs`, or an error of the backbone.
 */
export async function createNetworkBundle(
  { backbone, labels, imported }: NetworkBundlePlan,
  { limits }: { readonly limits: Limits },
): Promise<BundleFiles> {
  const { network } = backbone
  requireLabels(labels, network)
  const head = headOf(network, readWeights(readFileSync(resolveWeights(backbone))))
  const views = [{ size: network.input.size, mirrored: false }]
  const featurizer = openFeaturizer({ backbone, workers: 1, limits })
  try {
    const probe = await featuresOf(featurizer, PROBE_SCENE)
    const other = await featuresOf(featurizer, PROBE_JPEG)
    return encodeBundle({
      manifest: {
        format: 1,
        backbone: {
          id: backbone.id,
          sha256: backbone.weights.sha256,
          preprocessing: preprocessingHash(network.input),
          views,
          features: probe.length,
          licence: backbone.weights.licence,
        },
        labels,
        // The features enter the head as they are.
        head: { scaling: 'standard', temperature: 1, unsureBelow: 0, unknownAbove: NEVER_UNKNOWN },
        imported,
      },
      head,
      rejection: undefined,
      golden: { features: Float32Array.from([...probe, ...other]), probe },
    })
  } finally {
    await featurizer.close()
  }
}

/** Throws `label_count_differs` naming both numbers. */
export function requireLabels(labels: readonly string[], { outputs }: Network): void {
  const classes = outputs['logits']?.width ?? 0
  if (labels.length === classes) return
  throw new VergerError(
    'label_count_differs',
    `Expected ${classes} labels, one for each output of the network, received ${labels.length}`,
    {
      hint: 'Give them with --labels, one a line and in the order of the outputs.',
      details: { outputs: classes, labels: labels.length },
    },
  )
}

/** The dense layer between features and logits; the identity where both are the same. */
function headOf({ name, layers, outputs }: Network, weights: Weights): LinearHead {
  const { features, logits } = outputs
  const layer = logits === undefined ? undefined : layers[logits.layer]
  const width = features?.width ?? 0
  if (layer?.op === 'dense' && layer.input === features?.layer) {
    const kernel = requireWeight(name, weights, `${layer.name}/kernel`, [layer.units, width])
    const bias = requireWeight(name, weights, `${layer.name}/bias`, [layer.units])
    return { weights: denseKernel(kernel).data, bias: bias.data }
  }
  if (features?.layer !== logits?.layer) {
    throw new RangeError('Expected a dense layer between features and logits, or nothing')
  }
  const identity = new Float32Array(width * width)
  for (let at = 0; at < width; at++) identity[at * width + at] = 1
  return { weights: identity, bias: new Float32Array(width) }
}

async function featuresOf(featurizer: Featurizer, photo: Photo): Promise<Float32Array> {
  const [outputs] = await featurizer.run(photo, ['features'])
  return outputs?.['features'] ?? new Float32Array()
}
