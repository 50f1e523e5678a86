import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { SHIPPED_BACKBONES } from '../dist/backbones/catalog.js'
import { readConfig } from '../dist/core/config.js'
import { openFeaturizer } from '../dist/features/featurizer.js'
import { GROCERY_STORE, photosBelow } from './datasets.ts'
import { atMost, figure, type Measurement, median } from './measurement.ts'

const PHOTOS = 60
const ROUNDS = 5

/** Time of a photo that finds all workers idle, with one thread and with those that a server gives it, in turn. */
export async function* benchAlone(): AsyncGenerator<Measurement> {
  const [backbone] = SHIPPED_BACKBONES
  if (backbone === undefined) throw new Error('Expected a backbone that ships with Verger')
  const { limits } = readConfig({})
  const workers = availableParallelism()
  const photos = photosBelow(GROCERY_STORE, PHOTOS).map((path) => readFileSync(path))
  const contestants = [1, 2].map((threadsAlone) => ({
    featurizer: openFeaturizer({ backbone, workers, threadsAlone, limits }),
    timesMs: [] as number[],
  }))
  for (const { featurizer } of contestants) await featurizer.warm()
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { featurizer, timesMs } of contestants) {
      for (const photo of photos) {
        const startMs = performance.now()
        await featurizer.run(photo, ['features'])
        if (round > 0) timesMs.push(performance.now() - startMs)
      }
    }
  }
  await Promise.all(contestants.map(({ featurizer }) => featurizer.close()))
  const [one = 0, two = 0] = contestants.map(({ timesMs }) => median(timesMs))
  yield figure('one thread', one, 'ms')
  yield figure('two threads', two, 'ms')
  yield atMost('ratio', two / one, '×', 0.8)
}
