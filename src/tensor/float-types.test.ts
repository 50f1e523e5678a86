import { describe, expect, it } from 'vitest'
import { decodeFloats } from './float-types.ts'

const bytesOf = (values: Float32Array | Float64Array | Uint16Array): Uint8Array =>
  new Uint8Array(values.buffer)

describe('decodeFloats', () => {
  it.each([
    ['float64', bytesOf(Float64Array.of(1.5, -0, 1e-3))],
    ['float32', bytesOf(Float32Array.of(1.5, -0, 1e-3))],
  ] as const)('decodes %s', (type, bytes) => {
    expect(decodeFloats(type, bytes)).toEqual(Float32Array.of(1.5, -0, 1e-3))
  })

  it('decodes halves and upper halves', () => {
    expect(decodeFloats('float16', bytesOf(Uint16Array.of(0x3e00, 0x8000, 0x7c00)))).toEqual(
      Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY),
    )
    expect(decodeFloats('bfloat16', bytesOf(Uint16Array.of(0x3fc0, 0x8000, 0x7f80)))).toEqual(
      Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY),
    )
  })

  it('decodes at any place of a larger buffer', () => {
    const larger = new Uint8Array(11)
    larger.set(bytesOf(Float32Array.of(1.5, 2.5)), 3)
    expect(decodeFloats('float32', larger.subarray(3))).toEqual(Float32Array.of(1.5, 2.5))
  })
})
