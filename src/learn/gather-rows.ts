/** Copies rows of `[n, width]`. */
export function gatherRows(
  features: Float32Array,
  width: number,
  rows: readonly number[],
): Float32Array {
  const picked = new Float32Array(rows.length * width)
  for (const [to, row] of rows.entries()) {
    picked.set(features.subarray(row * width, (row + 1) * width), to * width)
  }
  return picked
}
