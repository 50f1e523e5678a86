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

/**
 * Finds the rows of `unit` `[n, width]` (rows of length 1) that have another row at a cosine of at least `least`, and
 * gives for each chain of look-alikes the pairs that hold it together: at most n − 1 pairs, in the order of the rows.
 * All pairs are compared, in blocks above the diagonal: about n² · width operations on the matrix product.
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
  const chains = new UnionFind(count)
  const pairs: SimilarPair[] = []
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
          if (cosine < least || chains.find(row) === chains.find(other)) continue
          chains.join(row, other)
          pairs.push({ first: row, second: other, cosine })
        }
      }
    }
  }
  return pairs.sort((a, b) => a.first - b.first || a.second - b.second)
}
