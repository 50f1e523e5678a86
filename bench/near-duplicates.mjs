/** Prints how long the near duplicates of a folder take, and leaves its features where another program can read them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findBackbone } from '../dist/backbones/catalog.js'
import { readConfig } from '../dist/core/config.js'
import { scanDataset } from '../dist/datasets/scan.js'
import { openDatasetSource } from '../dist/datasets/source.js'
import { featurizePhotos } from '../dist/features/featurize-photos.js'
import { viewsOf } from '../dist/features/views.js'
import { findSimilarPairs } from '../dist/learn/near-duplicates.js'
import { transformFeatures } from '../dist/learn/scaling.js'
import { openGemm } from '../dist/tensor/gemm.js'
import { NEAR_DUPLICATE_COSINE } from '../dist/training/fit-classifier.js'

const [folder, out] = process.argv.slice(2)
const { home, workers, limits } = readConfig()
const source = await openDatasetSource(folder, { cwd: '.', home })
const { photos, root } = await scanDataset(source, { workers, limits, decode: false })
const { features, width } = await featurizePhotos(
  {
    photos: photos.map(({ path, sha256 }) => ({ photo: join(root, path), sha256 })),
    backbone: findBackbone('efficientnet-lite0'),
    views: viewsOf('plain', 224),
  },
  { home, workers, limits },
)
const gemm = await openGemm(workers)
const startMs = performance.now()
const unit = transformFeatures(features, width, 'unit')
const pairs = await findSimilarPairs(gemm, unit, width, NEAR_DUPLICATE_COSINE)
const nearDuplicatesMs = performance.now() - startMs
await gemm.close()

const names = [...new Set(photos.map(({ label }) => label))]
const files = { features: join(out, 'features.f32'), labels: join(out, 'labels.i32') }
writeFileSync(files.features, new Uint8Array(features.slice().buffer))
writeFileSync(
  files.labels,
  Int32Array.from(photos, ({ label }) => names.indexOf(label)),
)
console.log(JSON.stringify({ ...files, nearDuplicatesMs, pairs: pairs.length }))
