import { VergerError } from '../core/errors.ts'
import type { FloatTensor } from './tensor.ts'

export interface BatchNorm {
  /** Scale, shift, running mean and running variance, each `[filters]`. */
  readonly gamma: FloatTensor
  readonly beta: FloatTensor
  readonly mean: FloatTensor
  readonly variance: FloatTensor
  readonly epsilon: number
}

/**
 * Folds a batch norm that follows a convolution without bias into its kernel `[filters, …]` and a bias `[filters]`:
 * kernel · γ / √(σ² + ε) and β − μ · γ / √(σ² + ε), computed in double precision and rounded once.
 */
export function foldBatchNorm(
  kernel: FloatTensor,
  { gamma, beta, mean, variance, epsilon }: BatchNorm,
): { kernel: FloatTensor; bias: FloatTensor } {
  const filters = kernel.dims[0] ?? 0
  for (const { dims } of [gamma, beta, mean, variance]) {
    if (dims.length === 1 && dims[0] === filters) continue
    throw new VergerError(
      'backbone_damaged',
      `Expected a batch norm of ${filters} filters, received a tensor of shape [${dims.join(', ')}]`,
    )
  }
  const perFilter = kernel.data.length / filters
  const folded = new Float32Array(kernel.data.length)
  const bias = new Float32Array(filters)
  for (let filter = 0; filter < filters; filter++) {
    const scale = (gamma.data[filter] ?? 0) / Math.sqrt((variance.data[filter] ?? 0) + epsilon)
    bias[filter] = (beta.data[filter] ?? 0) - (mean.data[filter] ?? 0) * scale
    for (let i = filter * perFilter; i < (filter + 1) * perFilter; i++) {
      folded[i] = (kernel.data[i] ?? 0) * scale
    }
  }
  return { kernel: { dims: kernel.dims, data: folded }, bias: { dims: [filters], data: bias } }
}
