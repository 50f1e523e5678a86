/** Layers of Keras that image classifiers are made of, each as layers of ours. */
import { INPUT, type LayerId } from '../../../tensor/network.ts'
import { invalidModel, unsupportedModel } from '../foreign/model-errors.ts'
import { ACTIVATION_LAYERS } from './keras-activations.ts'
import { isNumber, isObject, type Json } from './keras-config.ts'
import { connect, convolve, convolveDepthwise, convolveSeparable } from './keras-convolutions.ts'
import {
  flag,
  input,
  isChannelAxis,
  type KerasPlace,
  number,
  padding,
  pair,
} from './keras-place.ts'

type Read = (place: KerasPlace) => LayerId

/** Does nothing once a model is trained. */
const nothing: Read = input

/** By `class_name`. */
export const KERAS_LAYERS: Readonly<Record<string, Read>> = {
  ...ACTIVATION_LAYERS,
  ActivityRegularization: nothing,
  Add: (place) =>
    fold(place, (left, right) => place.draft.add({ op: 'add', inputs: [left, right] }, place.name)),
  AlphaDropout: nothing,
  Average: average,
  AveragePooling2D: (place) => pool(place, 'average-pool'),
  BatchNormalization: batchNorm,
  BatchNormalizationV1: batchNorm,
  Concatenate: concatenate,
  Conv2D: convolve,
  Dense: connect,
  DepthwiseConv2D: convolveDepthwise,
  Divide: (place) => arithmetic(place, (value) => [1 / value, 0]),
  Dropout: nothing,
  Flatten: (place) => place.draft.vector(place.name, input(place), 'fastest'),
  GaussianDropout: nothing,
  GaussianNoise: nothing,
  GlobalAveragePooling2D: (place) => globalPool(place, 'global-average-pool'),
  GlobalMaxPooling2D: (place) => globalPool(place, 'global-max-pool'),
  Identity: nothing,
  MaxPooling2D: (place) => pool(place, 'max-pool'),
  Multiply: (place) =>
    place.inputs.length === 1
      ? arithmetic(place, (value) => [value, 0])
      : fold(place, (left, right) =>
          place.draft.add({ op: 'multiply', inputs: [left, right] }, place.name),
        ),
  Normalization: normalize,
  RandomBrightness: nothing,
  RandomContrast: nothing,
  RandomCrop: nothing,
  RandomFlip: nothing,
  RandomHeight: nothing,
  RandomRotation: nothing,
  RandomTranslation: nothing,
  RandomWidth: nothing,
  RandomZoom: nothing,
  Rescaling: rescale,
  Reshape: reshape,
  Resizing: resize,
  SeparableConv2D: convolveSeparable,
  SpatialDropout2D: nothing,
  Subtract: subtract,
  TFOpLambda: lambda,
  TrueDivide: (place) => arithmetic(place, (value) => [1 / value, 0]),
  ZeroPadding2D: zeroPad,
}

/** Three results and more, two at a time. */
function fold(
  { inputs, name, numbers, draft }: KerasPlace,
  join: (left: LayerId, right: LayerId) => LayerId,
) {
  const [first, ...rest] = inputs
  if (first === undefined) throw invalidModel(`${name}: expected results to join, received none`)
  if (rest.length > 0) return rest.reduce(join, first)
  // A sum with a number, as the operator `+` of Keras 3 is written.
  const [value] = numbers
  if (value === undefined) return first
  const zeros = new Float32Array(draft.shape(first).channels)
  return draft.scale(
    name,
    first,
    zeros.map(() => 1),
    zeros.map(() => value),
  )
}

/** A result times a factor plus an offset, both of one number. */
function arithmetic(place: KerasPlace, of: (value: number) => readonly [number, number]): LayerId {
  const { draft, name, numbers, kind } = place
  const from = input(place)
  const [value] = numbers
  if (value === undefined) throw unsupportedModel(`${name}: expected a number for ${kind}`)
  const [factor, offset] = of(value)
  const zeros = new Float32Array(draft.shape(from).channels)
  return draft.scale(
    name,
    from,
    zeros.map(() => factor),
    zeros.map(() => offset),
  )
}

function subtract(place: KerasPlace): LayerId {
  const { draft, name, inputs } = place
  const [left, right] = inputs
  if (left === undefined || right === undefined) return arithmetic(place, (value) => [1, -value])
  const zeros = new Float32Array(draft.shape(right).channels)
  const negative = draft.scale(
    name,
    right,
    zeros.map(() => -1),
    zeros,
  )
  return draft.add({ op: 'add', inputs: [left, negative] }, name)
}

/** Operators of TensorFlow in a functional model of Keras 2, by the name of the function. */
const FUNCTIONS: Readonly<Record<string, Read>> = {
  'math.truediv': (place) => arithmetic(place, (value) => [1 / value, 0]),
  'math.divide': (place) => arithmetic(place, (value) => [1 / value, 0]),
  'math.multiply': (place) => arithmetic(place, (value) => [value, 0]),
  'math.subtract': subtract,
  'math.add': (place) => arithmetic(place, (value) => [1, value]),
  '__operators__.add': (place) => arithmetic(place, (value) => [1, value]),
}

function lambda(place: KerasPlace): LayerId {
  const { config, name } = place
  const called = typeof config['function'] === 'string' ? config['function'] : 'a function'
  const read = FUNCTIONS[called]
  if (read !== undefined) return read(place)
  throw unsupportedModel(
    `${name}: expected layers of Keras, received the TensorFlow function ${called}`,
  )
}

function average(place: KerasPlace): LayerId {
  const { draft, name, inputs } = place
  const sum = fold(place, (left, right) => draft.add({ op: 'add', inputs: [left, right] }, name))
  const zeros = new Float32Array(draft.shape(sum).channels)
  return draft.scale(
    name,
    sum,
    zeros.map(() => 1 / inputs.length),
    zeros,
  )
}

function concatenate(place: KerasPlace): LayerId {
  const { draft, name, inputs, config } = place
  const [first] = inputs
  const isMap = first !== undefined && draft.shape(first).height !== undefined
  if (!isChannelAxis(config['axis'], isMap)) {
    throw unsupportedModel(
      `${name}: expected channels after channels, received axis ${JSON.stringify(config['axis'])}`,
    )
  }
  return draft.add({ op: 'concat', inputs }, name)
}

function pool(place: KerasPlace, op: 'max-pool' | 'average-pool'): LayerId {
  const kernelSize = pair(place, 'pool_size', 2)
  const stride =
    place.config['strides'] === null ? kernelSize : pair(place, 'strides', [...kernelSize])
  return place.draft.add(
    { op, input: input(place), kernelSize, stride, padding: padding(place) },
    place.name,
  )
}

function globalPool(place: KerasPlace, op: 'global-average-pool' | 'global-max-pool'): LayerId {
  const staysMap = flag(place, 'keepdims', false)
  return place.draft.add({ op, input: input(place), staysMap }, place.name)
}

function batchNorm(place: KerasPlace): LayerId {
  const { draft, name, config } = place
  const from = input(place)
  if (!isChannelAxis(config['axis'], draft.shape(from).height !== undefined)) {
    throw unsupportedModel(`${name}: expected a batch norm over the channels`)
  }
  const has = { gamma: flag(place, 'scale', true), beta: flag(place, 'center', true) }
  const weights = [...place.weights(2 + Number(has.gamma) + Number(has.beta))]
  const gamma = has.gamma ? weights.shift() : undefined
  const beta = has.beta ? weights.shift() : undefined
  const [mean, variance] = weights
  if (mean === undefined || variance === undefined)
    throw invalidModel(`${name}: expected statistics`)
  const epsilon = number(place, 'epsilon', 1e-3)
  return draft.batchNorm(name, from, { mean, variance, gamma, beta, epsilon })
}

/** `(x − mean) / √variance`, from the settings or from what was learned of the photos. */
function normalize(place: KerasPlace): LayerId {
  const { draft, name, config } = place
  const from = input(place)
  const { channels, height } = draft.shape(from)
  if (config['invert'] === true || !isChannelAxis(config['axis'], height !== undefined)) {
    throw unsupportedModel(`${name}: expected a normalisation of the channels`)
  }
  const given = [config['mean'], config['variance']].map((value) => perChannel(value, channels))
  const [mean, variance] = given.every((values) => values !== undefined)
    ? given
    : place.weights(3).map(({ data }) => (data.length === channels ? Array.from(data) : undefined))
  if (mean === undefined || variance === undefined) {
    throw invalidModel(`${name}: expected mean and variance of ${channels} channels`)
  }
  // Keras divides by at least its epsilon, 1e-7 (keras/src/layers/preprocessing/normalization.py).
  const factors = variance.map((value) => 1 / Math.max(Math.sqrt(value), 1e-7))
  return draft.scale(
    name,
    from,
    factors,
    factors.map((factor, at) => -factor * (mean[at] ?? 0)),
  )
}

/** Keras writes one number, a list, or lists around a list. */
function perChannel(value: Json | undefined, channels: number): number[] | undefined {
  const numbers = [value].flat(6).filter(isNumber)
  if (numbers.length === channels) return numbers
  return numbers.length === 1 ? new Array<number>(channels).fill(numbers[0]!) : undefined
}

function rescale(place: KerasPlace): LayerId {
  const { draft, name, config } = place
  const from = input(place)
  const { channels } = draft.shape(from)
  const scale = perChannel(config['scale'], channels)
  const offset = perChannel(config['offset'] ?? 0, channels)
  if (scale !== undefined && offset !== undefined) return draft.scale(name, from, scale, offset)
  throw invalidModel(`${name}: expected a scale and an offset for ${channels} channels`)
}

/** Of the photo alone, and to the network's own size: Verger does it before. */
function resize(place: KerasPlace): LayerId {
  const { draft, name } = place
  const from = input(place)
  const shape = draft.shape(from)
  const sides = [number(place, 'height', 0), number(place, 'width', 0)]
  if (shape.height !== sides[0] || shape.width !== sides[1] || from !== INPUT) {
    throw unsupportedModel(`${name}: expected Resizing of the photo, before anything else`)
  }
  place.note(
    `The resizing inside the graph (${name}) was replaced by Verger's own: the whole photo, squashed by bicubic interpolation.`,
  )
  return from
}

/** To one position, or to a vector. */
function reshape(place: KerasPlace): LayerId {
  const { draft, name, config } = place
  const from = input(place)
  const target = [config['target_shape']].flat().filter(isNumber)
  const { channels, height = 1, width = 1 } = draft.shape(from)
  const isMap = draft.shape(from).height !== undefined
  const total = channels * height * width
  // One side may be left to be computed.
  const known = target.reduce((product, side) => (side === -1 ? product : product * side), 1)
  const sides = target.map((side) => (side === -1 ? total / known : side))
  if (sides.length === 1 && sides[0] === total) return draft.vector(name, from, 'fastest')
  const isSame = sides.join() === [height, width, channels].join()
  if (sides.length === 3 && isSame)
    return isMap ? from : draft.add({ op: 'to-map', input: from }, name)
  throw unsupportedModel(
    `${name}: expected a reshape to one position or to a vector, received [${target.join(', ')}]`,
  )
}

function zeroPad(place: KerasPlace): LayerId {
  const { draft, name, config } = place
  const value = config['padding'] ?? 1
  const axes = isNumber(value) ? [value, value] : Array.isArray(value) ? value : []
  const zeros = axes.map((axis) => (isNumber(axis) ? [axis, axis] : axis)).flat(2)
  const [top, bottom, left, right] = zeros
  const sides = [top, left, bottom, right]
  if (
    zeros.length !== 4 ||
    !sides.every((side) => isNumber(side) && Number.isSafeInteger(side) && side >= 0)
  ) {
    throw invalidModel(
      `${name}: expected zeros around a map, received ${JSON.stringify(value).slice(0, 60)}`,
    )
  }
  return draft.add(
    { op: 'pad', input: input(place), padding: sides as [number, number, number, number] },
    name,
  )
}

/** Whether the maps of a layer have their channels last, as those that we read. */
export const isChannelsLast = (config: Json | undefined): boolean =>
  !isObject(config) || config['data_format'] !== 'channels_first'
