import { describe, expect, it } from 'vitest'
import { convKernel, denseKernel, depthwiseKernel, permute } from './permute.ts'

/** Each value tells its place: 1234 stands at [1, 2, 3, 4]. */
function places(...dims: number[]) {
  let values = [0]
  for (const dim of dims) {
    values = values.flatMap((value) => Array.from({ length: dim }, (_, at) => 10 * value + at))
  }
  return { dims, data: Float32Array.from(values) }
}

describe('permute', () => {
  it.each([
    { dims: [2, 3, 4], axes: [2, 0, 1], first: [0, 10, 20, 100, 110, 120, 1] },
    { dims: [2, 3, 4], axes: [0, 2, 1], first: [0, 10, 20, 1, 11, 21, 2] },
    { dims: [2, 3], axes: [0, 1], first: [0, 1, 2, 10, 11, 12] },
    { dims: [3], axes: [0], first: [0, 1, 2] },
  ])('of $dims by $axes', ({ dims, axes, first }) => {
    const tensor = places(...dims)
    const moved = permute(tensor, axes)
    expect(moved.dims).toEqual(axes.map((axis) => dims[axis]))
    expect([...moved.data.slice(0, first.length)]).toEqual(first)
    expect([...moved.data].sort()).toEqual([...tensor.data].sort())
  })

  it('takes what is empty, and a single number', () => {
    expect(permute({ dims: [2, 0], data: new Float32Array() }, [1, 0]).dims).toEqual([0, 2])
    expect(permute({ dims: [], data: Float32Array.of(7) }, []).data).toEqual(Float32Array.of(7))
  })
})

describe('kernels of TensorFlow', () => {
  it('of convolutions: filters first, then channels', () => {
    const { dims, data } = convKernel(places(2, 1, 3, 4))
    expect(dims).toEqual([4, 3, 2, 1])
    expect([...data.slice(0, 4)]).toEqual([0, 1000, 10, 1010])
  })

  it('of depthwise convolutions: each channel with its own filters', () => {
    const { dims, data } = depthwiseKernel(places(1, 2, 3, 2))
    expect(dims).toEqual([6, 1, 1, 2])
    expect([...data.slice(0, 6)]).toEqual([0, 100, 1, 101, 10, 110])
  })

  it('of dense layers: units first', () => {
    expect([...denseKernel(places(2, 3)).data]).toEqual([0, 10, 1, 11, 2, 12])
  })
})
