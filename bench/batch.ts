import { readFileSync } from 'node:fs'
import { resolveWeights, SHIPPED_BACKBONES } from '../dist/backbones/catalog.js'
import { decodePhoto } from '../dist/images/decode.js'
import { loadSession } from '../dist/tensor/session.js'
import { photoPath } from '../test/support/photos.ts'
import { atMost, figure, type Measurement, median } from './measurement.ts'

const SIZES = [1, 4, 8, 16] as const
const PHOTOS = 64
const ROUNDS = 5

/** Whether photos that are computed together cost less than one after another: a micro-batch would pay only then. */
export async function* benchBatch(): AsyncGenerator<Measurement> {
  const [backbone] = SHIPPED_BACKBONES
  if (backbone === undefined) throw new Error('Expected a backbone that ships with Verger')
  const { size } = backbone.network.input
  const session = await loadSession(resolveWeights(backbone))
  const { data, width, height } = await decodePhoto(readFileSync(photoPath('baseline.jpg')), {
    size,
    maxPixels: 1e8,
  })
  const rates = new Map<number, number[]>(SIZES.map((count) => [count, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const count of SIZES) {
      const batch = new Uint8Array(count * data.length)
      for (let place = 0; place < count; place++) batch.set(data, place * data.length)
      const image = { data: batch, dims: [count, height, width, 3] }
      const startMs = performance.now()
      for (let done = 0; done < PHOTOS; done += count) await session.run(image, ['features'])
      const rate = PHOTOS / ((performance.now() - startMs) / 1000)
      // The first round finds kernels that were never run.
      if (round > 0) rates.get(count)?.push(rate)
    }
  }
  await session.close()
  const rateOf = (count: number) => median(rates.get(count) ?? [])
  for (const count of SIZES) {
    yield figure(`${backbone.id}, ${count} at a time, one thread`, rateOf(count), 'photos/s')
  }
  const best = Math.max(...SIZES.map(rateOf))
  yield atMost('the best of them over one at a time', best / rateOf(1), '×', 1.15)
}
