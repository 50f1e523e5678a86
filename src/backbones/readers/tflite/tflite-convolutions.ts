/** Convolutions and dense layers of TFLite, in real numbers or in whole ones. */
import type { LayerId } from '../../../tensor/network.ts'
import type { FloatTensor } from '../../../tensor/tensor.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { permute } from '../foreign/permute.ts'
import { activate } from './fused-activation.ts'
import type { OperatorPlace, Value } from './operator-place.ts'
import { pairOf, windowOf } from './sliding-window.ts'
import { factorsOf, isBound, keepSums } from './whole-numbers.ts'

/** Fields of `Conv2DOptions` and `DepthwiseConv2DOptions`. */
const CONV = { activation: 3, dilationWidth: 4, dilationHeight: 5 }
const DEPTHWISE = { activation: 4, dilationWidth: 5, dilationHeight: 6 }
/** Fields of `FullyConnectedOptions`. */
const DENSE = { activation: 0, weightsFormat: 1, keepsForm: 2 }

export const convolve = (place: OperatorPlace): Value =>
  weigh(place, CONV.activation, (input, stored, bias) => {
    const kernel = permute(fourAxes(place, stored), [0, 3, 1, 2]) // from [filters, height, width, channels]
    const groups = place.draft.shape(input).channels / kernel.dims[1]!
    return place.draft.conv(place.name, { input, groups, ...convWindow(place, CONV) }, kernel, bias)
  })

export const convolveDepthwise = (place: OperatorPlace): Value =>
  weigh(place, DEPTHWISE.activation, (input, stored, bias) => {
    const kernel = permute(fourAxes(place, stored), [3, 0, 1, 2]) // from [1, height, width, filters]
    const groups = place.draft.shape(input).channels
    return place.draft.conv(
      place.name,
      { input, groups, ...convWindow(place, DEPTHWISE) },
      kernel,
      bias,
    )
  })

export function connect(place: OperatorPlace): Value {
  const { draft, name, options } = place
  if ((options?.int8(DENSE.weightsFormat) ?? 0) !== 0) {
    throw unsupportedModel(`${name}: expected weights in their plain order, received shuffled ones`)
  }
  const keepsForm = options?.int8(DENSE.keepsForm) === 1
  return weigh(place, DENSE.activation, (input, kernel, bias) => {
    if (kernel.dims.length !== 2) throw notKernel(place, kernel)
    if (!keepsForm || draft.shape(input).height === undefined) {
      return draft.dense(name, draft.vector(name, input, 'fastest'), kernel, bias)
    }
    const pointwise = { dims: [...kernel.dims, 1, 1], data: kernel.data }
    return draft.conv(name, { input, stride: 1, padding: 'valid', groups: 1 }, pointwise, bias)
  })
}

/** Weighs what enters: whole numbers by whole numbers where the file keeps both in 8 bit, else real ones. */
function weigh(
  place: OperatorPlace,
  activationField: number,
  add: (input: LayerId, kernel: FloatTensor, bias: FloatTensor | undefined) => LayerId,
): Value {
  const { draft, name, keeping, options } = place
  const { layer, step } = place.value(0)
  const scales = place.scales(1)
  const activation = options?.int8(activationField) ?? 0
  const hasBias = place.inputCount > 2
  if (step === undefined || scales === undefined || keeping === undefined || !isBound(activation)) {
    // A bias of whole numbers is in the product of the other two scales, which not every file repeats.
    const [inputScale] = place.scales(0) ?? []
    const product = inputScale && scales?.map((scale) => scale * inputScale)
    const bias = hasBias ? place.floats(2, product || undefined) : undefined
    const sums = add(place.layer(0), place.floats(1) ?? missing(place), bias)
    return activate(place, activationField, sums)
  }
  const kernel = place.wholes(1) ?? missing(place)
  const sums = add(layer, kernel, hasBias ? place.wholes(2) : undefined)
  const factors = factorsOf(step, scales, keeping.step, draft.shape(sums).channels)
  return keepSums(draft, name, sums, factors, keeping, activation)
}

function convWindow(
  place: OperatorPlace,
  fields: { readonly dilationWidth: number; readonly dilationHeight: number },
) {
  const { options, name } = place
  const steps = (field: number) => options?.int32(field, 1)
  const dilation = pairOf(name, steps(fields.dilationHeight), steps(fields.dilationWidth))
  return { ...windowOf(place), dilation: String(dilation) === '1,1' ? 1 : dilation }
}

function fourAxes(place: OperatorPlace, kernel: FloatTensor): FloatTensor {
  if (kernel.dims.length === 4) return kernel
  throw notKernel(place, kernel)
}

const notKernel = ({ name }: OperatorPlace, { dims }: FloatTensor) =>
  invalidModel(`${name}: expected a kernel, received [${dims.join(', ')}]`)

function missing({ name }: OperatorPlace): never {
  throw invalidModel(`${name}: expected a kernel, received none`)
}
