/** A real bundle of three kinds of synthetic scenes: small, made in a second, and right about its own photos. */
import { findBackbone } from '../../dist/backbones/catalog.js'
import { encodeBundle } from '../../dist/bundles/encode-bundle.js'
import { readConfig } from '../../dist/core/config.js'
import { meanOf } from '../../dist/features/featurize-photos.js'
import { openFeaturizer, type Photo } from '../../dist/features/featurizer.js'
import type { View } from '../../dist/features/views.js'
import { preprocessingHash } from '../../dist/images/preprocessing-hash.js'
import { PROBE_SCENE } from '../../dist/images/probe-photos.js'
import { centroidHead } from '../../dist/learn/centroid-head.js'
import { fitRejection, projectRows } from '../../dist/learn/rejection.js'
import { type Scaling, transformFeatures } from '../../dist/learn/scaling.js'
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
  readonly scaling?: Scaling
  readonly temperature?: number
  readonly views?: readonly View[]
  /** Files that lie beside a bundle, e.g. `report.html`. */
  readonly extras?: Readonly<Record<string, string>>
}

/** Sharp enough for the distances between centroids of features of length 1. */
const TEMPERATURE = 0.2

/** So that `grey.jpg` is unsure, `alpha.png` unknown, and its other photos are neither. */
const UNSURE_BELOW = 0.95
const UNKNOWN_ABOVE = 5

/** Computes features on workers that are gone when it returns. */
export async function createTinyBundle({
  seed = 1,
  labels = TINY_LABELS,
  scaling = 'unit',
  temperature = TEMPERATURE,
  views = PLAIN,
  extras = {},
}: TinyBundleOptions = {}): Promise<Map<string, Uint8Array>> {
  const backbone = findBackbone('efficientnet-lite0')
  const { features, probe } = await tinyFeatures(views)
  const width = probe.length
  const groups = Object.values(TINY_PHOTOS)
  const classes = groups.length
  const rowLabels = Int32Array.from(groups.flatMap((photos, label) => photos.map(() => label)))
  const unit = transformFeatures(features, width, 'unit')
  const scaled = transformFeatures(features.slice(), width, scaling)
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
        views,
        features: width,
        licence: backbone.weights.licence,
      },
      labels,
      head: {
        scaling,
        temperature,
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
      { features: scaled, width, labels: rowLabels, classes },
      new Float32Array(rows.length).fill(1),
    ),
    rejection,
    golden: { features: features.slice(0, 2 * width), probe },
  })
  const beside = Object.entries(extras).map(([name, text]) => [name, Buffer.from(text)] as const)
  return new Map([...files, ...beside])
}

const PLAIN: readonly View[] = [{ size: 224, mirrored: false }]
const computing = new Map<string, ReturnType<typeof computeFeatures>>()

/** Computed once per process for the same views: every bundle has the same photos. */
function tinyFeatures(views: readonly View[]): ReturnType<typeof computeFeatures> {
  const key = JSON.stringify(views)
  const known = computing.get(key) ?? computeFeatures(views)
  computing.set(key, known)
  return known
}

async function computeFeatures(views: readonly View[]) {
  const backbone = findBackbone('efficientnet-lite0')
  const { limits } = readConfig({})
  const featurizer = openFeaturizer({ backbone, workers: 1, limits })
  const featuresOf = async (photo: Photo): Promise<Float32Array> => {
    const outputs = await featurizer.run(photo, ['features'], { views })
    return meanOf(
      outputs.map((output) => output['features'] ?? new Float32Array()),
      backbone.network.outputs['features']?.width ?? 0,
    )
  }
  try {
    const photos = Object.values(TINY_PHOTOS).flat().map(photoPath)
    const each = await Promise.all(photos.map(featuresOf))
    const probe = await featuresOf(PROBE_SCENE)
    return { features: Float32Array.from(each.flatMap((values) => [...values])), probe }
  } finally {
    await featurizer.close()
  }
}
