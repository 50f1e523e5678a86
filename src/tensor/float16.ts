/** Half-precision numbers (IEEE 754 binary16) as 16-bit integers; Node.js has no array of them before version 24. */

const scratch = new DataView(new ArrayBuffer(4))

/** Rounds to the nearest half, ties to even; what is too large becomes infinite. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    scratch.setFloat32(0, value)
    const bits = scratch.getUint32(0)
    const sign = (bits >>> 16) & 0x8000
    const exponent = (bits >>> 23) & 0xff
    const fraction = bits & 0x7fffff
    if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200)
    const shifted = exponent - 127 + 15
    if (shifted >= 31) return sign | 0x7c00
    if (shifted >= 1) return sign | roundShift((shifted << 23) | fraction, 13)
    if (shifted < -10) return sign
    return sign | roundShift(fraction | 0x800000, 14 - shifted)
  })
}

/** `value / 2^bits`, to the nearest whole number, ties to even. */
function roundShift(value: number, bits: number): number {
  const whole = value >>> bits
  const rest = value & ((1 << bits) - 1)
  const half = 1 << (bits - 1)
  return rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole
}

export function decodeFloat16(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) return sign * fraction * 2 ** -24
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  })
}
