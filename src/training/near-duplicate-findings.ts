/** Pairs of photos that look nearly the same → findings that say what is wrong with it. */
import { compareCodePoints } from '../datasets/code-point-order.ts'
import type { Finding } from '../datasets/findings.ts'
import { groupBy } from '../datasets/group-by.ts'
import { type DatasetPhoto, SPLITS } from '../datasets/manifest.ts'
import type { SimilarPair } from '../learn/near-duplicates.ts'
import { UnionFind } from '../learn/union-find.ts'

type NearPhoto = Pick<DatasetPhoto, 'path' | 'label' | 'split'>

/**
 * A finding for each two labels that share near duplicates, which is the worse fault and comes first, and one for each
 * chain of near duplicates within a label. Those that also stand on several sides of a split come before the others of
 * their kind, then the most similar. `pairs` are about indices of `photos`.
 */
export function findNearDuplicates(
  photos: readonly NearPhoto[],
  pairs: readonly SimilarPair[],
): Finding[] {
  const labelled = pairs.flatMap(({ first, second, cosine }) => {
    const [a, b] = [photos[first], photos[second]]
    return a === undefined || b === undefined ? [] : [{ first, second, cosine, a, b }]
  })
  const across = labelled.filter(({ a, b }) => a.label !== b.label)
  const within = labelled.filter(({ a, b }) => a.label === b.label)

  const labelPairs = groupBy(across, ({ a, b }) => JSON.stringify([a.label, b.label].sort()))
  const twoLabels = [...labelPairs.values()].map((found) => {
    const surest = [...found].sort((x, y) => y.cosine - x.cosine)
    return describe(
      surest.flatMap(({ a, b }) => [a, b]),
      surest[0]?.cosine ?? 0,
    )
  })

  const chains = new UnionFind(photos.length)
  for (const { first, second } of within) chains.join(first, second)
  const oneLabel = [...groupBy(within, ({ first }) => chains.find(first)).values()].map((found) =>
    describe(
      found.flatMap(({ a, b }) => [a, b]),
      found.reduce((most, { cosine }) => Math.max(most, cosine), 0),
    ),
  )
  return [twoLabels, oneLabel].flatMap((found) =>
    found
      .sort((a, b) => Number(b.isParted) - Number(a.isParted) || b.score - a.score)
      .map(({ isParted, ...finding }) => finding),
  )
}

function describe(repeated: readonly NearPhoto[], score: number) {
  const photos = [...new Set(repeated)]
  const labels = [...new Set(photos.map(({ label }) => label))].sort(compareCodePoints)
  const [first, second] = labels.map((label) => JSON.stringify(label))
  const what =
    second === undefined
      ? `${photos.length} photos of ${first} look nearly the same`
      : `${photos.length} photos look nearly the same and stand under two labels, ${first} and ${second}`
  const sides = SPLITS.map((side) => [side, photos.filter(({ split }) => split === side).length])
    .filter(([, count]) => count !== 0)
    .map(([side, count]) => `${count} ${side}`)
  const isParted = sides.length > 1
  return {
    kind: 'near-duplicate' as const,
    message: isParted
      ? `${what}, on ${sides.length} sides of the split: ${sides.join(', ')}`
      : what,
    paths: photos.map(({ path }) => path),
    labels,
    // Rounding takes a product of unit vectors a little above 1.
    score: Math.min(1, score),
    isParted,
  }
}
