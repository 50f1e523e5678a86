/** Featurizes a folder of photos: node featurize.mjs HOME FOLDER. Prints the hash of the features and where they came from. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findBackbone } from '../../../dist/backbones/catalog.js'
import { readConfig } from '../../../dist/core/config.js'
import { sha256 } from '../../../dist/core/hashes.js'
import { featurizePhotos } from '../../../dist/features/featurize-photos.js'

const [home, folder] = process.argv.slice(2)
const photos = readdirSync(folder)
  .sort()
  .map((name) => ({
    photo: join(folder, name),
    sha256: sha256(readFileSync(join(folder, name))),
  }))
const { features, failed, reused, computed, damaged } = await featurizePhotos(
  {
    photos,
    backbone: findBackbone('efficientnet-lite0'),
    views: [
      { size: 96, mirrored: false },
      { size: 96, mirrored: true },
    ],
  },
  { home, workers: 1, limits: readConfig({}).limits },
)
const hash = createHash('sha256').update(Buffer.from(features.buffer)).digest('hex')
console.log(JSON.stringify({ hash, failed: failed.size, reused, computed, damaged }))
