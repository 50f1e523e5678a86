/** Pairs of photos whose features point almost the same way. */
import type { Gemm } from '../tensor/gemm.ts'

export interface SimilarPair {
  readonly first: number
  readonly second: number
  /** Cosine of the angle between the two photos' features. */
  readonly cosine: number
}

/** Rows that are compared with each other in one matrix product. */
const BLOCK_ROWS = 2048

/**
 * Gives every pair of rows of `unit` `[n, width]` (rows of length 1) whose cosine is at least `least`, in the order of
 * the rows. All pairs are compared, in blocks above the diagonal: n² · width operations on the matrix product.
 */
export async function findSimilarPairs(
  gemm: Gemm,
  unit: Float32Array,
  width: number,
  least: number,
): Promise<SimilarPair[]> {
  const count = unit.length / width
  const block = (from: number, to: number) => ({
    data: unit.subarray(from * width, to * width),
    rows: to - from,
    columns: width,
  })
  const pairs: SimilarPair[] = []
  for (let a = 0; a < count; a += BLOCK_ROWS) {
    const aEnd = Math.min(count, a + BLOCK_ROWS)
    for (let b = a; b < count; b += BLOCK_ROWS) {
      const bEnd = Math.min(count, b + BLOCK_ROWS)
      const { data, columns } = await gemm.multiplyTransposedB(block(a, aEnd), block(b, bEnd))
      for (let row = a; row < aEnd; row++) {
        const start = (row - a) * columns - b
        for (let other = Math.max(b, row + 1); other < bEnd; other++) {
          const cosine = data[start + other]!
          if (cosine >= least) pairs.push({ first: row, second: other, cosine })
        }
      }
    }
  }
  return pairs.sort((a, b) => a.first - b.first || a.second - b.second)
}
