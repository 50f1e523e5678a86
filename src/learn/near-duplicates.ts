/** Photos whose features point almost the same way. */
import type { Gemm } from '../tensor/gemm.ts'
import { UnionFind } from './union-find.ts'

/** Two photos and the cosine of the angle between their features. */
export interface SimilarPair {
  readonly first: number
  readonly second: number
  readonly cosine: number
}

/** Rows that are compared with each other in one matrix product. */
const BLOCK_ROWS = 2048
/** Cosines that lie closer together than this count as equal where the most similar pairs are sought. */
const STEP = 0.01

/**
 * Finds the rows of `unit` `[n, width]` (rows of length 1) that have another row at a cosine of at least `least`, and
 * gives for each chain of look-alikes the most similar pairs that hold it together: at most n − 1, in the order of the
 * rows. They also hold together, or leave apart, what any larger cosine would. All pairs are compared, in blocks above
 * the diagonal: about n² · width operations on the matrix product.
 */
export async function findSimilarPairs(
  gemm: Gemm,
  unit: Float32Array,
  width: number,
  least: number,
  onBlock: () => void = () => {},
): Promise<SimilarPair[]> {
  const count = unit.length / width
  const block = (from: number, to: number) => ({
    data: unit.subarray(from * width, to * width),
    rows: to - from,
    columns: width,
  })
  // Chains of at least `least`, and of one, two … steps more. A pair is a candidate where it joins chains of its own step,
  // so that there are few of them however many pairs there are.
  const steps = Math.max(1, Math.ceil((1 - least) / STEP))
  const chains = Array.from({ length: steps }, () => new UnionFind(count))
  const candidates: SimilarPair[] = []
  for (let a = 0; a < count; a += BLOCK_ROWS) {
    const aEnd = Math.min(count, a + BLOCK_ROWS)
    for (let b = a; b < count; b += BLOCK_ROWS) {
      const bEnd = Math.min(count, b + BLOCK_ROWS)
      const { data, columns } = await gemm.multiplyTransposedB(block(a, aEnd), block(b, bEnd))
      onBlock()
      for (let row = a; row < aEnd; row++) {
        const start = (row - a) * columns - b
        for (let other = Math.max(b, row + 1); other < bEnd; other++) {
          const cosine = data[start + other]!
          if (cosine < least) continue
          const step = Math.min(steps - 1, Math.floor((cosine - least) / STEP))
          if (chains[step]!.find(row) === chains[step]!.find(other)) continue
          for (let below = 0; below <= step; below++) chains[below]!.join(row, other)
          candidates.push({ first: row, second: other, cosine })
        }
      }
    }
  }
  return mostSimilar(candidates, count).sort((a, b) => a.first - b.first || a.second - b.second)
}

/** The pairs that hold chains together, the most similar first (Kruskal 1956). */
function mostSimilar(candidates: readonly SimilarPair[], count: number): SimilarPair[] {
  const chains = new UnionFind(count)
  return candidates
    .toSorted((a, b) => b.cosine - a.cosine)
    .filter(({ first, second }) => {
      if (chains.find(first) === chains.find(second)) return false
      chains.join(first, second)
      return true
    })
}
