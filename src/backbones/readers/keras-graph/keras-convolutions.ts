/** Layers of Keras that weigh what they read. */
import type { LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel } from '../foreign/model-errors.ts'
import { convKernel, denseKernel, depthwiseKernel } from '../foreign/permute.ts'
import { activate } from './keras-activations.ts'
import { flag, input, type KerasPlace, number, padding, pair } from './keras-place.ts'

export function convolve(place: KerasPlace): LayerId {
  const { draft, name } = place
  const [stored, bias] = kernels(place, 1)
  const kernel = convKernel(fourAxes(place, stored))
  const groups = number(place, 'groups', 1)
  const sums = draft.conv(name, { input: input(place), groups, ...windowOf(place) }, kernel, bias)
  return activate(place, place.config['activation'], sums)
}

export function convolveDepthwise(place: KerasPlace): LayerId {
  const [stored, bias] = kernels(place, 1)
  const sums = depthwise(place, stored, bias)
  return activate(place, place.config['activation'], sums)
}

/** Depthwise without a bias, then over the channels. */
export function convolveSeparable(place: KerasPlace): LayerId {
  const [first, second, bias] = kernels(place, 2)
  const between = depthwise(place, first, undefined)
  const kernel = convKernel(fourAxes(place, second))
  const window = { input: between, stride: 1, padding: 'valid', groups: 1 } as const
  return activate(
    place,
    place.config['activation'],
    place.draft.conv(place.name, window, kernel, bias),
  )
}

export function connect(place: KerasPlace): LayerId {
  const { draft, name } = place
  const from = input(place)
  const [stored, bias] = kernels(place, 1)
  if (stored?.dims.length !== 2) throw notKernel(place, stored)
  const kernel = denseKernel(stored)
  const [units = 0, features = 0] = kernel.dims
  const isMap = draft.shape(from).height !== undefined
  // Over the channels of each position.
  const pointwise = { dims: [units, features, 1, 1], data: kernel.data }
  const window = { input: from, stride: 1, padding: 'valid', groups: 1 } as const
  const sums = isMap
    ? draft.conv(name, window, pointwise, bias)
    : draft.dense(name, from, kernel, bias)
  return activate(place, place.config['activation'], sums)
}

function depthwise(
  place: KerasPlace,
  stored: FloatTensor | undefined,
  bias: FloatTensor | undefined,
) {
  const { draft, name } = place
  const from = input(place)
  const kernel = depthwiseKernel(fourAxes(place, stored))
  const groups = draft.shape(from).channels
  return draft.conv(name, { input: from, groups, ...windowOf(place) }, kernel, bias)
}

/** So many kernels, and the bias where the layer has one. */
function kernels(place: KerasPlace, count: number): readonly (FloatTensor | undefined)[] {
  return place.weights(flag(place, 'use_bias', true) ? count + 1 : count)
}

function windowOf(place: KerasPlace) {
  const dilation = pair(place, 'dilation_rate', 1)
  return {
    stride: pair(place, 'strides', 1),
    padding: padding(place),
    ...(dilation.every((steps) => steps === 1) ? {} : { dilation }),
  }
}

function fourAxes(place: KerasPlace, kernel: FloatTensor | undefined): FloatTensor {
  if (kernel?.dims.length === 4) return kernel
  throw notKernel(place, kernel)
}

const notKernel = ({ name, kind }: KerasPlace, kernel: FloatTensor | undefined) =>
  invalidModel(`${name}: expected a kernel of ${kind}, received [${kernel?.dims.join(', ') ?? ''}]`)
