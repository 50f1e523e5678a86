import { describe, expect, it } from 'vitest'
import { TINY_NETWORK } from '../../test/support/tiny-network.ts'
import { describeNetwork, findArchitecture } from '../backbones/architectures.ts'
import { findBackbone } from '../backbones/catalog.ts'
import type { Network } from '../tensor/network.ts'
import { checkSide, takesSide } from './check-side.ts'

/** The tiny network with every position in its features. */
const flat: Network = {
  ...TINY_NETWORK,
  layers: [
    ...TINY_NETWORK.layers.slice(0, 2),
    { op: 'flatten', input: 1, channels: 'slowest' },
    { op: 'dense', name: 'logits', input: 2, units: 3 },
  ],
}

describe('a side', () => {
  it.each([32, 96, 225, 640])('of %i pixels passes where positions are averaged', (size) => {
    expect(takesSide(findBackbone('efficientnet-lite0').network, size)).toBe(true)
  })

  it('may be too small for a network that pads nothing', () => {
    const network = describeNetwork(findArchitecture('inception-v3'))
    expect([74, 75, 299, 320].map((size) => takesSide(network, size))).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  it('does not pass where a layer reads every position', () => {
    expect(takesSide(flat, 32)).toBe(true)
    expect(() => checkSide(flat, 64)).toThrow(
      expect.objectContaining({
        code: 'usage_invalid',
        message: expect.stringContaining('reads 768 numbers, not 3072'),
      }),
    )
  })
})
