import { describe, expect, it } from 'vitest'
import { NetworkBuilder, samePadding } from './network.ts'

describe('samePadding', () => {
  it.each([
    ['none for a kernel of one', 224, 1, 1, [0, 0]],
    ['one around a kernel of three', 112, 3, 1, [1, 1]],
    ['two around a kernel of five', 28, 5, 1, [2, 2]],
    ['the odd pixel at the end for stride two on an even side', 224, 3, 2, [0, 1]],
    ['one on both ends for stride two on an odd side', 7, 3, 2, [1, 1]],
    ['one and two for a kernel of five and stride two', 56, 5, 2, [1, 2]],
    ['none where the stride passes the kernel', 8, 1, 2, [0, 0]],
    ['what a side smaller than the kernel lacks', 1, 5, 1, [2, 2]],
  ])('is %s', (_words, size, kernelSize, stride, padding) => {
    expect(samePadding(size, kernelSize, stride)).toEqual(padding)
  })

  it('gives ceil(size / stride) positions', () => {
    for (const kernelSize of [1, 3, 5]) {
      for (const stride of [1, 2]) {
        for (let size = kernelSize; size < 40; size++) {
          const [before, after] = samePadding(size, kernelSize, stride)
          const positions = Math.floor((size + before + after - kernelSize) / stride) + 1
          expect(positions).toBe(Math.ceil(size / stride))
          expect(after - before).toBeOneOf([0, 1])
        }
      }
    }
  })
})

describe('NetworkBuilder', () => {
  it('numbers layers in the order in which they are added', () => {
    const builder = new NetworkBuilder()
    expect(builder.add({ op: 'relu6', input: -1 })).toBe(0)
    expect(builder.add({ op: 'add', inputs: [0, -1] })).toBe(1)
    expect(builder.layers).toHaveLength(2)
  })
})
