/** A photo that finds all workers idle is computed by several threads: the same numbers, sooner. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SHIPPED_BACKBONES } from '../../dist/backbones/catalog.js'
import { readConfig } from '../../dist/core/config.js'
import { type Featurizer, openFeaturizer } from '../../dist/features/featurizer.js'
import { readPhoto } from '../support/photos.ts'

const { limits } = readConfig({})
const [backbone] = SHIPPED_BACKBONES
const featurizers: Featurizer[] = []

function open(threadsAlone: number): Featurizer {
  if (backbone === undefined) throw new Error('Expected a backbone that ships with Verger')
  const featurizer = openFeaturizer({ backbone, workers: 1, threadsAlone, limits })
  featurizers.push(featurizer)
  return featurizer
}

beforeAll(async () => {
  for (const threads of [1, 2]) await open(threads).warm()
})
afterAll(() => Promise.all(featurizers.map((featurizer) => featurizer.close())))

it.each([
  ['its own side', 224],
  ['another side', 256],
])('gives the same features and logits bit for bit, at %s', async (_words, size) => {
  const views = [
    { size, mirrored: false },
    { size, mirrored: true },
  ]
  for (const name of ['baseline.jpg', 'grey.jpg', 'alpha.png']) {
    const answers = await Promise.all(
      featurizers.map((each) => each.run(readPhoto(name), ['features', 'logits'], { views })),
    )
    expect(answers[1]).toEqual(answers[0])
  }
})
