import { describe, expect, it } from 'vitest'
import { foldBatchNorm } from './fold-batch-norm.ts'

const vector = (...values: number[]) => ({ dims: [values.length], data: Float32Array.from(values) })

describe('foldBatchNorm', () => {
  const epsilon = 1e-3
  const norm = {
    gamma: vector(1.5, -0.25),
    beta: vector(0.1, 2),
    mean: vector(-3, 0.7),
    variance: vector(0.04, 9),
    epsilon,
  }
  const kernel = { dims: [2, 3, 1, 1], data: Float32Array.of(0.3, -0.2, 0.9, 1.1, 0.01, -4) }

  it('gives what convolution and norm give one after the other', () => {
    const folded = foldBatchNorm(kernel, norm)
    expect(folded.kernel.dims).toEqual([2, 3, 1, 1])
    expect(folded.bias.dims).toEqual([2])
    const pixel = [0.6, -1.7, 0.25]
    const dot = (data: Float32Array, filter: number) =>
      pixel.reduce((sum, value, channel) => sum + value * Number(data[3 * filter + channel]), 0)
    for (const filter of [0, 1]) {
      const [gamma, beta, mean, variance] = [norm.gamma, norm.beta, norm.mean, norm.variance].map(
        ({ data }) => Number(data[filter]),
      ) as [number, number, number, number]
      const direct =
        ((dot(kernel.data, filter) - mean) / Math.sqrt(variance + epsilon)) * gamma + beta
      expect(dot(folded.kernel.data, filter) + Number(folded.bias.data[filter])).toBeCloseTo(
        direct,
        5,
      )
    }
  })

  it('leaves its input alone', () => {
    const before = Float32Array.from(kernel.data)
    foldBatchNorm(kernel, norm)
    expect(kernel.data).toEqual(before)
  })

  it('stands a filter that never fired', () => {
    const silent = { ...norm, variance: vector(0, 0), mean: vector(0, 0) }
    const { kernel: folded, bias } = foldBatchNorm(kernel, silent)
    for (const value of [...folded.data, ...bias.data]) expect(Number.isFinite(value)).toBe(true)
  })
})
