import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeFloat16, encodeFloat16 } from './float16.ts'
import golden from './golden-tensor.json' with { type: 'json' }

const HALVES = Uint16Array.from({ length: 2 ** 16 }, (_, half) => half)
const INFINITE = 0x7c00

const hashOf = (values: Uint16Array | Uint32Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex')

const bitsOf = (floats: Float32Array) => new Uint32Array(floats.buffer, floats.byteOffset)
const isNan = (half: number) => (half & INFINITE) === INFINITE && (half & 0x3ff) !== 0

/** The inputs of scripts/golden-learn: all exponents, each half and each middle with its neighbours, both signs. */
function goldenInputs(): Float32Array {
  const spread = Uint32Array.from({ length: 2 ** 18 }, (_, i) =>
    Number((BigInt(i) * 2654435761n) % 2n ** 32n),
  )
  const positive = decodeFloat16(HALVES.subarray(0, INFINITE))
  const middles = Float32Array.from(
    { length: positive.length - 1 },
    (_, i) => (positive[i]! + positive[i + 1]!) / 2,
  )
  const around = [bitsOf(positive.slice(1)), bitsOf(middles)].flatMap((bits) =>
    [-1, 0, 1].map((step) => bits.map((each) => each + step)),
  )
  const near = Uint32Array.from(around.flatMap((bits) => [...bits]))
  const negative = near.map((bits) => bits | 0x80000000)
  return new Float32Array(Uint32Array.from([...spread, ...near, ...negative]).buffer)
}

describe('half precision', () => {
  it('decodes all 65,536 halves as NumPy does', () => {
    const decoded = decodeFloat16(HALVES)
    const bits = bitsOf(decoded).map((each, i) => (Number.isNaN(decoded[i]) ? 0x7fc00000 : each))
    expect(hashOf(bits)).toBe(golden.float16.decoded)
  })

  it('encodes as NumPy does: ties, subnormals, what is too large and all else', () => {
    const inputs = goldenInputs()
    expect(inputs).toHaveLength(golden.float16.encodedCount)
    const encoded = encodeFloat16(inputs).map((half, i) =>
      Number.isNaN(inputs[i]) ? 0x7e00 : half,
    )
    expect(hashOf(encoded)).toBe(golden.float16.encoded)
  })

  it('gives each half back', () => {
    const again = encodeFloat16(decodeFloat16(HALVES))
    for (const half of HALVES) {
      if (isNan(half)) expect(isNan(again[half]!)).toBe(true)
      else if (again[half] !== half) expect(again[half]).toBe(half)
    }
  })

  it.each([
    ['1', 1, 0x3c00],
    ['minus nothing', -0, 0x8000],
    ['the largest', 65_504, 0x7bff],
    ['the last that is rounded down', 65_519.996, 0x7bff],
    ['the first that is too large', 65_520, INFINITE],
    ['the largest float', -3.4028234663852886e38, 0xfc00],
    ['the smallest', 2 ** -24, 1],
    ['half of the smallest, a tie to even', 2 ** -25, 0],
    ['a little more than half of the smallest', 2 ** -25 * (1 + 2 ** -23), 1],
    ['the smallest float', 2 ** -149, 0],
    ['a tie to even, down', 1 + 2 ** -11, 0x3c00],
    ['a tie to even, up', 1 + 3 * 2 ** -11, 0x3c02],
    ['a fraction that is rounded into the next power', 2 - 2 ** -12, 0x4000],
    ['the largest subnormal, rounded to a normal', 2 ** -14 - 2 ** -26, 0x0400],
    ['infinite', Number.NEGATIVE_INFINITY, 0xfc00],
  ])('encodes %s', (_words, value, half) => {
    expect(encodeFloat16(Float32Array.of(value))).toEqual(Uint16Array.of(half))
  })
})
