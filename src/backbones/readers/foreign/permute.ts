import { elementCount, type FloatTensor } from '../../../tensor/tensor.ts'

/** Reorders axes as NumPy's `transpose` does: axis `i` of the result is axis `axes[i]` of `tensor`. */
export function permute(tensor: FloatTensor, axes: readonly number[]): FloatTensor {
  const { dims, data } = tensor
  const newDims = axes.map((axis) => dims[axis]!)
  // How far apart neighbours along each axis of `tensor` lie in the result.
  const steps = dims.map((_, axis) => elementCount(newDims.slice(axes.indexOf(axis) + 1)))
  const moved = new Float32Array(data.length)
  const outer = dims.slice(0, -1)
  const index = outer.map(() => 0)
  const length = dims.at(-1) ?? 1
  const step = steps.at(-1) ?? 1
  let start = 0
  // Read in order and written in strides: large kernels of convolutions take half the time of the other way round.
  for (let from = 0; from < data.length; ) {
    for (let at = 0, to = start; at < length; at++, to += step) moved[to] = data[from++]!
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      start += steps[axis]!
      if (++index[axis]! < outer[axis]!) break
      start -= steps[axis]! * outer[axis]!
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
