/** Bundles as training makes them, without a training: real features of photos, weights drawn by chance. */
import { findBackbone } from '../dist/backbones/catalog.js'
import { encodeBundle } from '../dist/bundles/encode-bundle.js'
import type { BundleFiles } from '../dist/bundles/verify-bundle.js'
import { readConfig } from '../dist/core/config.js'
import { openFeaturizer } from '../dist/features/featurizer.js'
import { preprocessingHash } from '../dist/images/preprocessing-hash.js'
import { PROBE_SCENE } from '../dist/images/probe-photos.js'
import { drawMatrix } from '../test/support/drawn-rows.ts'

/** As many as the Grocery Store data set has. */
const LABELS = 81
const DIMENSIONS = 128
const GOLDEN_ROWS = 8

/** Gives a function from a number to a bundle of its own, about 1.2 MB as trained ones of this size are. */
export async function prepareBundles(
  paths: readonly string[],
): Promise<(seed: number) => BundleFiles> {
  const backbone = findBackbone('efficientnet-lite0')
  const featurizer = openFeaturizer({ backbone, workers: 1, limits: readConfig({}).limits })
  const featuresOf = async (photo: string | Uint8Array) =>
    (await featurizer.run(photo, ['features']))[0]?.['features'] ?? new Float32Array()
  const rows = await Promise.all(paths.slice(0, GOLDEN_ROWS).map(featuresOf))
  const probe = await featuresOf(PROBE_SCENE)
  await featurizer.close()
  const width = probe.length
  const features = Float32Array.from(rows.flatMap((row) => [...row]))
  const projection = drawMatrix(1, width, DIMENSIONS)
  const means = drawMatrix(2, LABELS, DIMENSIONS)
  return (seed) =>
    encodeBundle({
      manifest: {
        format: 1,
        backbone: {
          id: backbone.id,
          sha256: backbone.weights.sha256,
          preprocessing: preprocessingHash(backbone.network.input),
          views: [{ size: backbone.network.input.size, mirrored: false }],
          features: width,
          licence: backbone.weights.licence,
        },
        labels: Array.from({ length: LABELS }, (_, label) => `label ${label}`),
        head: { scaling: 'unit', temperature: 1, unsureBelow: 0.1, unknownAbove: Number.MAX_VALUE },
        training: {
          dataset: '0'.repeat(64),
          photos: LABELS,
          photosPerLabel: new Array<number>(LABELS).fill(1),
          seed,
          l2: 0,
        },
      },
      head: { weights: drawMatrix(seed, width, LABELS), bias: new Float32Array(LABELS) },
      rejection: {
        width,
        dimensions: DIMENSIONS,
        projection,
        centre: new Float32Array(DIMENSIONS),
        means,
        background: new Float32Array(DIMENSIONS).fill(2),
      },
      golden: { features, probe },
    })
}
