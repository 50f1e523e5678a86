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
  const floats = new Float32Array(halves.length)
  const bits = new Uint32Array(floats.buffer)
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!
    const magnitude = half & 0x7fff
    // Zero and subnormals are multiples of 2^-24; all others keep their fraction and move their exponent.
    if (magnitude < 0x400) floats[i] = (half & 0x8000 ? -1 : 1) * magnitude * 2 ** -24
    else {
      const exponent = magnitude < 0x7c00 ? (127 - 15) << 23 : (255 - 31) << 23
      bits[i] = ((half & 0x8000) << 16) | ((magnitude << 13) + exponent)
    }
  }
  return floats
}
