/** Activations of Keras by their names as functions and as layers. */
import type { Activation, LayerId } from '../../../tensor/network.ts'
import { unsupportedModel } from '../foreign/model-errors.ts'
import { isNumber, type Json, type JsonObject } from './keras-config.ts'
import { input, isChannelAxis, type KerasPlace, nameAndConfig } from './keras-place.ts'

const PLAIN: Readonly<Record<string, Activation>> = {
  relu: 'relu',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  tanh: 'tanh',
  elu: 'elu',
  gelu: 'gelu',
  silu: 'silu',
  swish: 'silu',
  hard_silu: 'hard-swish',
  hard_swish: 'hard-swish',
}

/** Adds the function that `value`, of a setting `activation`, names. */
export function activate(place: KerasPlace, value: Json | undefined, from: LayerId): LayerId {
  const { name, config } = nameAndConfig(value)
  if (name === 'linear') return from
  const op = PLAIN[name]
  if (op !== undefined) return place.draft.add({ op, input: from }, place.name)
  switch (name) {
    case 'hard_sigmoid':
    case 'HardSigmoid':
      return hardSigmoid(place, from)
    case 'leaky_relu':
      return place.draft.add({ op: 'leaky-relu', input: from, alpha: 0.2 }, place.name)
    case 'ReLU':
    case 'LeakyReLU':
    case 'ELU':
    case 'Softmax':
      return ACTIVATION_LAYERS[name]({ ...place, config, inputs: [from] })
    default:
      throw unsupportedModel(
        `${place.name}: expected an activation of an image classifier, received ${name}`,
      )
  }
}

/** Until Keras 2 and in TensorFlow.js `0.2 · x + 0.5`, since Keras 3 `x / 6 + 0.5`, both clipped to 0 … 1. */
function hardSigmoid({ draft, name, isOldKeras }: KerasPlace, from: LayerId): LayerId {
  if (!isOldKeras) return draft.add({ op: 'hard-sigmoid', input: from }, name)
  const slopes = new Float32Array(draft.shape(from).channels)
  const scaled = draft.scale(
    name,
    from,
    slopes.map(() => 0.2),
    slopes.map(() => 0.5),
  )
  return draft.add({ op: 'clip', input: scaled, least: 0, most: 1 }, name)
}

export const ACTIVATION_LAYERS = {
  Activation: (place: KerasPlace) => activate(place, place.config['activation'], input(place)),
  ReLU: relu,
  LeakyReLU: (place: KerasPlace) =>
    place.draft.add(
      {
        op: 'leaky-relu',
        input: input(place),
        alpha: setting(place.config, ['negative_slope', 'alpha'], 0.3),
      },
      place.name,
    ),
  ELU: (place: KerasPlace) =>
    place.draft.add(
      { op: 'elu', input: input(place), alpha: setting(place.config, ['alpha'], 1) },
      place.name,
    ),
  Softmax: (place: KerasPlace) => {
    const from = input(place)
    const isMap = place.draft.shape(from).height !== undefined
    if (!isChannelAxis(place.config['axis'], isMap)) {
      throw unsupportedModel(`${place.name}: expected a softmax over the channels`)
    }
    return place.draft.add({ op: 'softmax', input: from }, place.name)
  },
} as const

function relu(place: KerasPlace): LayerId {
  const { config, draft, name } = place
  const from = input(place)
  const slope = setting(config, ['negative_slope'], 0)
  const most = config['max_value']
  if (setting(config, ['threshold'], 0) !== 0 || (slope !== 0 && isNumber(most))) {
    throw unsupportedModel(
      `${name}: expected a ReLU with a slope or a bound, received a threshold or both`,
    )
  }
  if (slope !== 0) return draft.add({ op: 'leaky-relu', input: from, alpha: slope }, name)
  if (!isNumber(most)) return draft.add({ op: 'relu', input: from }, name)
  if (most === 6) return draft.add({ op: 'relu6', input: from }, name)
  return draft.add({ op: 'clip', input: from, least: 0, most }, name)
}

/** A number by the first of several names that is there; Keras wraps some in an object. */
function setting(config: JsonObject, keys: readonly string[], byDefault: number): number {
  for (const key of keys) {
    const value = config[key]
    if (isNumber(value)) return value
    const inner =
      typeof value === 'object' && value !== null && 'value' in value ? value['value'] : null
    if (isNumber(inner)) return inner
  }
  return byDefault
}
