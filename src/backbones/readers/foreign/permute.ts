import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'

/** Reorders axes as NumPy's `transpose` does: axis `i` of the result is axis `axes[i]` of `tensor`. */
export function permute(tensor: FloatTensor, axes: readonly number[]): FloatTensor {
  const { dims, data } = tensor
  const strides = dims.map((_, axis) => elementCount(dims.slice(axis + 1)))
  const newDims = axes.map((axis) => dims[axis]!)
  const steps = axes.map((axis) => strides[axis]!)
  const moved = new Float32Array(data.length)
  const index = newDims.map(() => 0)
  let from = 0
  for (let to = 0; to < moved.length; to++) {
    moved[to] = data[from]!
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      if (++index[axis]! < newDims[axis]!) break
      from -= steps[axis]! * newDims[axis]!
      index[axis] = 0
    }
  }
  return { dims: newDims, data: moved }
}

/** TensorFlow's kernel `[height, width, channels / groups, filters]` as `[filters, channels / groups, height, width]`. */
export const convKernel = (kernel: FloatTensor): FloatTensor => permute(kernel, [3, 2, 0, 1])

/** TensorFlow's depthwise kernel `[height, width, channels, multiplier]` as `[channels · multiplier, 1, height, width]`. */
export function depthwiseKernel(kernel: FloatTensor): FloatTensor {
  const [height, width, channels, multiplier] = kernel.dims as [number, number, number, number]
  const { data } = permute(kernel, [2, 3, 0, 1])
  return { dims: [channels * multiplier, 1, height, width], data }
}

/** TensorFlow's kernel `[features, units]` as `[units, features]`. */
export const denseKernel = (kernel: FloatTensor): FloatTensor => permute(kernel, [1, 0])
