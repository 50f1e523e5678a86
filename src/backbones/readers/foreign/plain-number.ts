/**
 * The number of six digits that a float32 computation cannot tell from `value`, e.g. 127.5 for 1 / (1 / 127.5), or
 * `value` itself where there is none.
 */
export function plainNumber(value: number): number {
  const plain = Number(value.toPrecision(6))
  return Math.abs(plain - value) <= Math.abs(value) * 2e-7 ? plain : value
}
