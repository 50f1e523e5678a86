/** A real bundle of three kinds of synthetic scenes: small, made in a second, and right about its own photos. */
import { findBackbone } from '../../dist/backbones/catalog.js'
import { encodeBundle } from '../../dist/bundles/encode-bundle.js'
import { readConfig } from '../../dist/core/config.js'
import { type Featurizer, openFeaturizer, type Photo } from '../../dist/features/featurizer.js'
import { preprocessingHash } from '../../dist/images/preprocessing-hash.js'
import { PROBE_SCENE } from '../../dist/images/probe-photos.js'
import { centroidHead } from '../../dist/learn/centroid-head.js'
import { fitRejection, projectRows } from '../../dist/learn/rejection.js'
import { transformFeatures } from '../../dist/learn/scaling.js'
import { openGemm } from '../../dist/tensor/gemm.js'
import { photoPath } from './photos.ts'

/** What it was trained on: label → photos of the fixtures. */
export const TINY_PHOTOS = {
  Granny_Smith: ['baseline.jpg', 'rgb.png', 'lossy.webp'],
  pear: ['large.jpg', 'large.png'],
  plum: ['grey.jpg', 'grey.png', 'grey-alpha.png'],
} as const
export const TINY_LABELS = Object.keys(TINY_PHOTOS)

export interface TinyBundleOptions {
  /** Another seed is another bundle that answers alike. */
  readonly seed?: number
  readonly labels?: readonly string[]
  /** Files that lie beside a bundle, e.g. `report.html`. */
  readonly extras?: Readonly<Record<string, string>>
}

/** Sharp enough for the distances between centroids of features of length 1. */
const TEMPERATURE = 0.02

/** So that `grey.jpg` is unsure, `alpha.png` unknown, and its other photos are neither. */
const UNSURE_BELOW = 0.95
const UNKNOWN_ABOVE = 5

/** Computes features on workers that are gone when it returns. */
export async function createTinyBundle({
  seed = 1,
  labels = TINY_LABELS,
  extras = {},
}: TinyBundleOptions = {}): Promise<Map<string, Uint8Array>> {
  const backbone = findBackbone('efficientnet-lite0')
  const { features, probe } = await tinyFeatures()
  const width = probe.length
  const groups = Object.values(TINY_PHOTOS)
  const classes = groups.length
  const rowLabels = Int32Array.from(groups.flatMap((photos, label) => photos.map(() => label)))
  const unit = transformFeatures(features, width, 'unit')
  const rows = [...rowLabels.keys()]
  const gemm = await openGemm(1)
  const projected = await projectRows(gemm, unit, width, rows)
  const rejection = projected && (await fitRejection(gemm, projected, rowLabels, classes, rows))
  await gemm.close()
  const files = encodeBundle({
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
      labels,
      head: {
        scaling: 'unit',
        temperature: TEMPERATURE,
        unsureBelow: UNSURE_BELOW,
        unknownAbove: UNKNOWN_ABOVE,
      },
      training: {
        dataset: '0'.repeat(64),
        photos: rows.length,
        photosPerLabel: groups.map(({ length }) => length),
        seed,
        l2: 0,
      },
    },
    head: centroidHead(
      { features: unit, width, labels: rowLabels, classes },
      new Float32Array(rows.length).fill(1),
    ),
    rejection,
    golden: { features: features.slice(0, 2 * width), probe },
  })
  const beside = Object.entries(extras).map(([name, text]) => [name, Buffer.from(text)] as const)
  return new Map([...files, ...beside])
}

let computing: ReturnType<typeof computeFeatures> | undefined

/** Computed once per process: every bundle has the same photos. */
function tinyFeatures(): ReturnType<typeof computeFeatures> {
  computing ??= computeFeatures()
  return computing
}

async function computeFeatures() {
  const backbone = findBackbone('efficientnet-lite0')
  const { limits } = readConfig({})
  const featurizer = openFeaturizer({ backbone, workers: 1, limits })
  try {
    const photos = Object.values(TINY_PHOTOS).flat().map(photoPath)
    const each = await Promise.all(photos.map((photo) => featuresOf(featurizer, photo)))
    const probe = await featuresOf(featurizer, PROBE_SCENE)
    return { features: Float32Array.from(each.flatMap((values) => [...values])), probe }
  } finally {
    await featurizer.close()
  }
}

async function featuresOf(featurizer: Featurizer, photo: Photo): Promise<Float32Array> {
  const [outputs] = await featurizer.run(photo, ['features'])
  return outputs?.['features'] ?? new Float32Array()
}
