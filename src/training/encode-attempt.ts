/** What was learned → the files of its bundle. */
import type { Backbone } from '../backbones/catalog.ts'
import type { BundleManifest } from '../bundles/bundle-manifest.ts'
import { encodeBundle } from '../bundles/encode-bundle.ts'
import { type BundleFiles, bundleId } from '../bundles/verify-bundle.ts'
import { manifestId } from '../datasets/manifest.ts'
import { meanOf } from '../features/featurize-photos.ts'
import { openFeaturizer } from '../features/featurizer.ts'
import type { View } from '../features/views.ts'
import { preprocessingHash } from '../images/preprocessing-hash.ts'
import { PROBE_SCENE } from '../images/probe-photos.ts'
import type { Attempt } from './attempt.ts'
import type { TrainContext } from './train-context.ts'

/** Answers that a bundle remembers. */
const GOLDEN_ROWS = 8

type TrainedManifest = Omit<BundleManifest, 'files'> & Required<Pick<BundleManifest, 'training'>>

export interface EncodedAttempt {
  readonly files: BundleFiles
  /** Id of the bundle. */
  readonly bundle: string
  readonly manifest: TrainedManifest
}

export async function encodeAttempt(
  { backbone, views, prepared, seen, sides, fit }: Attempt,
  seed: number,
  context: TrainContext,
): Promise<EncodedAttempt> {
  const { labels, labelIds, features, width } = prepared
  const { chosen } = fit
  const perLabel = new Array<number>(labels.length).fill(0)
  for (const row of sides.final) {
    const label = labelIds[row] ?? 0
    perLabel[label] = (perLabel[label] ?? 0) + 1
  }
  const manifest: TrainedManifest = {
    format: 1,
    backbone: {
      id: backbone.id,
      sha256: backbone.weights.sha256,
      preprocessing: preprocessingHash(backbone.network.input),
      views,
      features: width,
      licence: backbone.weights.licence,
    },
    labels,
    head: { scaling: chosen.scaling, ...fit.thresholds },
    training: {
      dataset: manifestId(prepared.readable),
      photos: sides.final.length,
      photosPerLabel: perLabel,
      seed,
      l2: chosen.l2,
    },
  }
  const known = seen ?? sides.final
  const step = Math.max(1, Math.floor(known.length / GOLDEN_ROWS))
  const goldenRows = known.filter((_, index) => index % step === 0).slice(0, GOLDEN_ROWS)
  const golden = new Float32Array(goldenRows.length * width)
  for (const [to, row] of goldenRows.entries()) {
    golden.set(features.subarray(row * width, (row + 1) * width), to * width)
  }
  const files = encodeBundle({
    manifest,
    head: fit.head,
    rejection: fit.rejection,
    golden: { features: golden, probe: await probeFeatures(backbone, views, width, context) },
  })
  return { files, bundle: bundleId(files), manifest }
}

async function probeFeatures(
  backbone: Backbone,
  views: readonly View[],
  width: number,
  { limits, signal }: TrainContext,
): Promise<Float32Array> {
  const featurizer = openFeaturizer({ backbone, workers: 1, limits })
  try {
    const outputs = await featurizer.run(PROBE_SCENE, ['features'], { views, signal })
    return meanOf(
      outputs.map((output) => output['features'] ?? new Float32Array()),
      width,
    )
  } finally {
    await featurizer.close()
  }
}
