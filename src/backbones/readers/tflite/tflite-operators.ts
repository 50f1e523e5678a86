/** Operators of TFLite that image classifiers are made of, each as layers of ours. */
import type { Activation, LayerId } from '../../../tensor/network.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { activate } from './fused-activation.ts'
import type { OperatorPlace, Value } from './operator-place.ts'
import { pairOf, windowOf } from './sliding-window.ts'
import { connect, convolve, convolveDepthwise } from './tflite-convolutions.ts'
import { isBound, keepSum } from './whole-numbers.ts'

type Read = (place: OperatorPlace) => Value

const activation =
  (op: Activation): Read =>
  ({ draft, layer, name }) => ({ layer: draft.add({ op, input: layer(0) }, name) })

/** By the name of `BuiltinOperator`. A result is brought to its shape and its steps of 8 bit by the caller. */
export const OPERATORS: Readonly<Record<string, Read>> = {
  ADD: (place) => combine(place, 'add'),
  AVERAGE_POOL_2D: (place) => pool(place, 'average-pool'),
  CAST: ({ value }) => value(0),
  CONCATENATION: concatenate,
  CONV_2D: convolve,
  DEPTHWISE_CONV_2D: convolveDepthwise,
  DEQUANTIZE: ({ value }) => value(0),
  DIV: divide,
  ELU: activation('elu'),
  EXPAND_DIMS: reshape,
  FAKE_QUANT: ({ value }) => value(0),
  FULLY_CONNECTED: connect,
  GELU: gelu,
  HARD_SWISH: activation('hard-swish'),
  LEAKY_RELU: leakyRelu,
  LOGISTIC: activation('sigmoid'),
  MAX_POOL_2D: (place) => pool(place, 'max-pool'),
  MEAN: (place) => reduce(place, 'global-average-pool'),
  MUL: (place) => combine(place, 'multiply'),
  PAD: pad,
  QUANTIZE: ({ value }) => value(0),
  REDUCE_MAX: (place) => reduce(place, 'global-max-pool'),
  RELU: activation('relu'),
  RELU6: activation('relu6'),
  RELU_0_TO_1: (place) => clip(place, 0),
  RELU_N1_TO_1: (place) => clip(place, -1),
  RESHAPE: reshape,
  SOFTMAX: softmax,
  SQUEEZE: reshape,
  SUB: subtract,
  TANH: activation('tanh'),
}

/** Operators whose first input alone is data; what else they read says which form it takes. */
export const FORM_OPERATORS: ReadonlySet<string> = new Set(['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS'])

/** Fields of `Pool2DOptions`. */
const POOL = { width: 3, height: 4, activation: 5 }

function pool(place: OperatorPlace, op: 'max-pool' | 'average-pool'): Value {
  const { draft, name, options, value } = place
  const kernelSize = pairOf(name, options?.int32(POOL.height), options?.int32(POOL.width))
  const { layer: input, step } = value(0)
  const layer = draft.add({ op, input, kernelSize, ...windowOf(place) }, name)
  if (options?.int8(POOL.activation) === 0 || options === undefined) return { layer, step }
  if (step === undefined) return activate(place, POOL.activation, layer)
  throw unsupportedModel(`${name}: expected a pool of 8 bit without an activation`)
}

/** The mean or greatest over height and width. */
function reduce(place: OperatorPlace, op: 'global-average-pool' | 'global-max-pool'): Value {
  const { draft, name, value, integers } = place
  const axes = integers(1).map((axis) => (axis < 0 ? axis + 4 : axis))
  const { layer: input, step } = value(0)
  if (draft.shape(input).height === undefined || [...new Set(axes)].sort().join() !== '1,2') {
    throw unsupportedModel(
      `${name}: expected a mean over height and width, received axes ${integers(1).join(', ')}`,
    )
  }
  return { layer: draft.add({ op, input, staysMap: true }, name), step }
}

/** A sum or product of two results, or of a result and a constant for each channel. */
function combine(place: OperatorPlace, op: 'add' | 'multiply'): Value {
  const { draft, name, layer, value, isConstant, keeping, options } = place
  const constant = isConstant(1) ? 1 : isConstant(0) ? 0 : undefined
  if (constant !== undefined) {
    const input = layer(1 - constant)
    const values = perChannel(place, constant, input)
    const same = values.map(() => (op === 'add' ? 1 : 0))
    const [scale, offset] = op === 'add' ? [same, values] : [values, same]
    return activate(place, 0, draft.scale(name, input, scale, offset))
  }
  const [left, right] = [value(0), value(1)]
  const fused = options?.int8(0) ?? 0
  if (op === 'add' && keeping !== undefined && isBound(fused)) {
    if (left.step !== undefined && right.step !== undefined) {
      const steps = [left.step, right.step] as const
      const values = [
        { ...left, step: steps[0] },
        { ...right, step: steps[1] },
      ] as const
      return keepSum(draft, name, values, keeping, fused)
    }
  }
  return activate(place, 0, draft.add({ op, inputs: [layer(0), layer(1)] }, name))
}

function subtract(place: OperatorPlace): Value {
  const { draft, name, layer, isConstant } = place
  if (isConstant(0)) {
    const input = layer(1)
    const values = perChannel(place, 0, input)
    const signs = values.map(() => -1)
    return activate(place, 0, draft.scale(name, input, signs, values))
  }
  const input = layer(0)
  if (isConstant(1)) {
    const values = perChannel(place, 1, input)
    const ones = values.map(() => 1)
    const negative = values.map((each) => -each)
    return activate(place, 0, draft.scale(name, input, ones, negative))
  }
  const other = layer(1)
  const zeros = new Float32Array(draft.shape(other).channels)
  const negative = draft.scale(
    name,
    other,
    zeros.map(() => -1),
    zeros,
  )
  return activate(place, 0, draft.add({ op: 'add', inputs: [input, negative] }, name))
}

function divide(place: OperatorPlace): Value {
  const { draft, name, layer, isConstant } = place
  if (!isConstant(1)) throw unsupportedModel(`${name}: expected a division by a constant`)
  const input = layer(0)
  const values = perChannel(place, 1, input).map((each) => 1 / each)
  const zeros = values.map(() => 0)
  return activate(place, 0, draft.scale(name, input, values, zeros))
}

function concatenate(place: OperatorPlace): Value {
  const { draft, name, options, layer, value, inputCount, result } = place
  const axis = options?.int32(0) ?? 0
  if (axis !== -1 && axis !== result.dims.length - 1) {
    throw unsupportedModel(`${name}: expected channels after channels, received axis ${axis}`)
  }
  const values = Array.from({ length: inputCount }, (_, at) => value(at))
  const [step] = values.map((each) => each.step)
  const isSame = values.every((each) => each.step === step) && (options?.int8(1) ?? 0) === 0
  const inputs = values.map((each, at) => (isSame ? each.layer : layer(at)))
  const joined = draft.add({ op: 'concat', inputs }, name)
  return isSame ? { layer: joined, step } : activate(place, 1, joined)
}

function pad({ draft, name, value, integers }: OperatorPlace): Value {
  const pads = integers(1)
  const [n0, n1, top, bottom, left, right, c0, c1] = pads
  if (pads.length !== 8 || [n0, n1, c0, c1].some((zeros) => zeros !== 0)) {
    throw unsupportedModel(
      `${name}: expected zeros around height and width, received ${pads.join(', ')}`,
    )
  }
  const padding = [top, left, bottom, right] as [number, number, number, number]
  if (padding.some((zeros) => zeros < 0)) throw invalidModel(`${name}: received a negative padding`)
  const { layer: input, step } = value(0)
  return { layer: draft.add({ op: 'pad', input, padding }, name), step }
}

/** Only the form changes, or a map becomes a vector. */
function reshape({ draft, name, value, result }: OperatorPlace): Value {
  const { layer, step } = value(0)
  return { layer: result.dims.length === 2 ? draft.vector(name, layer, 'fastest') : layer, step }
}

function softmax({ draft, name, options, layer }: OperatorPlace): Value {
  const beta = options?.float32(0) ?? 0
  if (beta !== 1)
    throw unsupportedModel(`${name}: expected a softmax with beta 1, received ${beta}`)
  return { layer: draft.add({ op: 'softmax', input: layer(0) }, name) }
}

function clip({ draft, name, layer }: OperatorPlace, least: number): Value {
  return { layer: draft.add({ op: 'clip', input: layer(0), least, most: 1 }, name) }
}

function leakyRelu({ draft, name, options, layer }: OperatorPlace): Value {
  const alpha = options?.float32(0) ?? 0
  return { layer: draft.add({ op: 'leaky-relu', input: layer(0), alpha }, name) }
}

function gelu({ draft, name, options, layer }: OperatorPlace): Value {
  if (options?.int8(0) === 1) {
    throw unsupportedModel(`${name}: expected the exact GELU, received its approximation`)
  }
  return { layer: draft.add({ op: 'gelu', input: layer(0) }, name) }
}

/** A constant as one number for each channel of a layer's result. */
function perChannel(place: OperatorPlace, at: number, input: LayerId): number[] {
  const { draft, name } = place
  const { channels } = draft.shape(input)
  const { dims = [], data = new Float32Array() } = place.floats(at) ?? {}
  if (data.length === 1) return new Array<number>(channels).fill(data[0]!)
  if (data.length === channels && dims.at(-1) === channels) return Array.from(data)
  throw unsupportedModel(
    `${name}: expected a constant for each of ${channels} channels, received [${dims.join(', ')}]`,
  )
}
