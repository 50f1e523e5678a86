/**
 * The shortest decimal, of at least 6 digits, that reads as the same 32-bit float: what a protocol that declares floats
 * prints, so that its text and its binary form say the same.
 */
export function shortestFloat32(value: number): number {
  const float = Math.fround(value)
  for (let digits = 6; digits < 9; digits++) {
    const decimal = Number(float.toPrecision(digits))
    if (Math.fround(decimal) === float) return decimal
  }
  return Number(float.toPrecision(9))
}
