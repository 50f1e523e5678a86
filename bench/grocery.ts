/** Features of the Grocery Store photos, from the cache where they are known. */
import { join } from 'node:path'
import { readConfig } from 'verger'
import { findBackbone } from '../dist/backbones/catalog.js'
import { scanDataset } from '../dist/datasets/scan.js'
import { openDatasetSource } from '../dist/datasets/source.js'
import { featurizePhotos } from '../dist/features/featurize-photos.js'
import type { View } from '../src/features/views.ts'

export interface LabelledFeatures {
  /** `[n, width]` */
  readonly features: Float32Array
  readonly width: number
  readonly labels: readonly string[]
  readonly paths: readonly string[]
}

/** Features of every photo below a folder whose path satisfies `wanted`. */
export async function featuresOf(
  folder: string,
  views: readonly View[],
  home: string,
  wanted: (index: number) => boolean = () => true,
): Promise<LabelledFeatures> {
  const { workers, limits } = readConfig()
  const source = await openDatasetSource(folder, { cwd: '.', home })
  const scanned = await scanDataset(source, { workers, limits, decode: false })
  const photos = scanned.photos.filter((_, index) => wanted(index))
  const { features, width } = await featurizePhotos(
    {
      photos: photos.map(({ path, sha256 }) => ({ photo: join(scanned.root, path), sha256 })),
      backbone: findBackbone('efficientnet-lite0'),
      views,
    },
    { home, workers, limits },
  )
  return {
    features,
    width,
    labels: photos.map(({ label }) => label),
    paths: photos.map(({ path }) => path),
  }
}
