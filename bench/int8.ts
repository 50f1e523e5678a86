/** What 8 bit keeps and gains, for the shipped backbone on photos of goods. */
import { DEFAULT_BACKBONE, findBackbone } from '../dist/backbones/catalog.js'
import { quantizeBackbone } from '../dist/features/quantize-backbone.js'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { atLeast, figure, type Measurement } from './measurement.ts'

export async function* benchInt8(): AsyncGenerator<Measurement> {
  const photos = photosBelow(GROCERY_STORE)
  for (const size of [224, 288]) {
    const { figures } = await quantizeBackbone({
      backbone: findBackbone(DEFAULT_BACKBONE),
      size,
      photos,
      maxPixels: 1e8,
    })
    yield figure(`${size} px, photos judged`, figures.photos, '')
    yield atLeast('  cosine of features, at worst', 100 * figures.worstCosine, '%', 98)
    yield atLeast('  in the mean', 100 * figures.meanCosine, '%', 99)
    yield atLeast('  times as fast as float32 on one core', figures.speedUp, '×', 1.2)
  }
}
