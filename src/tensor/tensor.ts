/** A dense tensor in row-major order: what readers of weights give and writers of graphs take. */
export interface FloatTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** Tensors by the canonical name of their layer, e.g. `stem/kernel`. */
export type Weights = ReadonlyMap<string, FloatTensor>

/** Number of elements of a shape. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}
